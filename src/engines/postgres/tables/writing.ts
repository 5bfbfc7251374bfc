import type { Query } from '../connection/query.ts';
import { sessionSettings } from '../facts/session-settings.ts';

/** Settings under which definitions are read and made, whatever a script has set before. */
export async function resetSettings(query: Query, lockTimeoutMs: number): Promise<void> {
  await query('RESET ALL');
  await query(`SET lock_timeout = ${lockTimeoutMs}`);
  await query('SET statement_timeout = 0');
  await query('SET idle_in_transaction_session_timeout = 0');
  // Only newer servers have these.
  await query(
    "SELECT pg_catalog.set_config(name, '0', false) FROM pg_catalog.pg_settings WHERE name IN ('transaction_timeout', 'idle_session_timeout')",
  );
  for (const setting of sessionSettings) await query(setting);
  // Names stand in messages, and go back to the server that gave them.
  await query('SET quote_all_identifiers = off');
}

export async function beginWriting(query: Query): Promise<void> {
  await query('BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE');
}
