import { DbopsError } from '../../../core/errors.ts';
import type { Connection } from '../connection/connection.ts';
import type { Session } from '../connection/session.ts';

/**
 * Two connections are two server processes, unless a pooler lends one and the same to whoever has a transaction. A
 * snapshot, locks and settings are lost there between two statements.
 * @throws DbopsError SOURCE_REFUSED
 */
export async function refusePooler(sessions: readonly Session[], { label }: Connection): Promise<void> {
  const seen = new Set<string>();
  for (const { query } of sessions) {
    const [row] = await query('SELECT pg_catalog.pg_backend_pid()::text AS pid');
    const pid = row?.['pid'] ?? '';
    if (seen.has(pid)) {
      throw new DbopsError('SOURCE_REFUSED', `${label} leads to a transaction pooler, such as PgBouncer`, {
        hint: 'Name the server itself: set DIRECT_URL, or use the address without the pooler (often port 5432, not 6432 or 6543).',
      });
    }
    seen.add(pid);
  }
}
