import type { Session } from '../connection/session.ts';
import { applySettings } from './session-settings.ts';

/** Opens the transaction in which facts are read: one moment for all statements, nothing written, nothing cut short. */
export async function beginReading({ query }: Session, lockTimeoutMs: number): Promise<void> {
  await applySettings(query, lockTimeoutMs);
  await query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
}

export async function inReading<T>(session: Session, lockTimeoutMs: number, read: () => Promise<T>): Promise<T> {
  await beginReading(session, lockTimeoutMs);
  const result = await read();
  await session.query('COMMIT');
  return result;
}
