import type { Query } from '../connection/query.ts';
import { applySettings } from '../facts/session-settings.ts';

/** Settings under which definitions are read and made, whatever a script has set before. */
export async function resetSettings(query: Query, lockTimeoutMs: number): Promise<void> {
  await query('RESET ALL');
  await applySettings(query, lockTimeoutMs);
  // Names stand in messages, and go back to the server that gave them.
  await query('SET quote_all_identifiers = off');
}

export async function beginWriting(query: Query): Promise<void> {
  await query('BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE');
}
