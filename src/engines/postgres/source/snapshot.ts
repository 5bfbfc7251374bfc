import { DbopsError } from '../../../core/errors.ts';
import type { Session } from '../connection/session.ts';
import { beginReading } from '../facts/reading.ts';
import { quoteLiteral } from '../facts/sql-text.ts';

/** A frozen moment of a database, seen by several sessions and by the programs that are told its name. */
export interface Snapshot {
  /** For `pg_dump --snapshot`; valid while the first session's transaction is open. */
  readonly name: string;
}

/**
 * Opens one read-only transaction in each session, all on the snapshot of the first one's. No time limit that is set
 * for the role may end them while the dump runs; locks are waited for as long as was said.
 */
export async function takeSnapshot(sessions: readonly Session[], lockTimeoutMs: number): Promise<Snapshot> {
  const [first, ...others] = sessions;
  if (first === undefined) throw new Error('a snapshot needs a session');
  await beginReading(first, lockTimeoutMs);
  const [row] = await first.query('SELECT pg_catalog.pg_export_snapshot() AS name');
  const name = row?.['name'];
  if (name === undefined || name === null) throw new DbopsError('SOURCE_REFUSED', 'the server gave no snapshot');
  for (const session of others) {
    await beginReading(session, lockTimeoutMs);
    await session.query(`SET TRANSACTION SNAPSHOT ${quoteLiteral(name)}`);
  }
  return { name };
}
