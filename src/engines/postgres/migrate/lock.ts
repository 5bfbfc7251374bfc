import { createHash } from 'node:crypto';
import { DbopsError } from '../../../core/errors.ts';
import { systemClock } from '../../../platform/clock.ts';
import type { Query } from '../connection/query.ts';
import { readValue } from '../facts/sql-text.ts';
import type { LedgerTable } from './ledger-table.ts';

const pollMs = 250;

export interface LockRequest {
  readonly key: string;
  readonly table: LedgerTable;
  readonly waitMs: number;
  readonly onWait: (holder: string) => void;
  readonly signal: AbortSignal;
}

/**
 * Takes an advisory lock for a session that has no transaction open. Asks again and again instead of waiting in the server:
 * a session that waits there keeps a snapshot, on which CREATE INDEX CONCURRENTLY would wait for ever.
 * @throws DbopsError LOCKED
 */
export async function pollLock(query: Query, { key, table, waitMs, onWait, signal }: LockRequest): Promise<void> {
  const deadline = systemClock.now().getTime() + waitMs;
  let told = '';
  while ((await readValue(query, `pg_catalog.pg_try_advisory_lock(${key})`)) !== 'true') {
    const holder = await holderOf(query, key);
    if (systemClock.now().getTime() >= deadline) throw locked(table, holder);
    if (holder !== told) onWait(holder);
    told = holder;
    await systemClock.sleep(pollMs, signal);
  }
}

/** What a run holds from its beginning to its end: the same for everybody who uses this ledger, in one database. */
export function runKeyOf({ versions }: LedgerTable): string {
  return keyOf(`dbops migrate ${versions}`);
}

/** What the session holds in which scripts run. */
export function claimKeyOf({ versions }: LedgerTable): string {
  return keyOf(`dbops migrate ${versions} worker`);
}

function keyOf(name: string): string {
  return createHash('sha256').update(name).digest().readBigInt64BE(0).toString();
}

function locked({ versions }: LedgerTable, holder: string): DbopsError {
  return new DbopsError('LOCKED', `another run is migrating by ${versions}: ${holder}`, {
    hint: 'Wait for it, or give it more time with --lock-wait. The server lets go when that session ends.',
  });
}

async function holderOf(query: Query, key: string): Promise<string> {
  const [row] = await query(`
    SELECT l.pid::text AS pid, coalesce(a.application_name, '') AS name, coalesce(host(a.client_addr), 'this machine') AS place,
      coalesce(pg_catalog.date_trunc('second', a.backend_start)::text, '?') AS since
    FROM pg_catalog.pg_locks l LEFT JOIN pg_catalog.pg_stat_activity a USING (pid)
    WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
      AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
      AND ((l.classid::bigint << 32) | l.objid::bigint) = ${key} LIMIT 1`);
  if (row === undefined) return 'it has just ended';
  return `process ${row['pid']} (${row['name']}) of ${row['place']}, connected since ${row['since']}`;
}
