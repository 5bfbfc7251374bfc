import type { Session } from '../connection/session.ts';
import { sessionSettings } from './session-settings.ts';

/** Opens the transaction in which facts are read: one moment for all statements, nothing written, nothing cut short. */
export async function beginReading({ query }: Session, lockTimeoutMs: number): Promise<void> {
  await query(`SET lock_timeout = ${lockTimeoutMs}`);
  await query('SET statement_timeout = 0');
  await query('SET idle_in_transaction_session_timeout = 0');
  // Only newer servers have these.
  await query(
    "SELECT pg_catalog.set_config(name, '0', false) FROM pg_catalog.pg_settings WHERE name IN ('transaction_timeout', 'idle_session_timeout')",
  );
  for (const setting of sessionSettings) await query(setting);
  await query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
}

export async function inReading<T>(session: Session, lockTimeoutMs: number, read: () => Promise<T>): Promise<T> {
  await beginReading(session, lockTimeoutMs);
  const result = await read();
  await session.query('COMMIT');
  return result;
}
