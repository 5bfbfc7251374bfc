import type { Connection } from '../connection/connection.ts';
import type { Query } from '../connection/query.ts';
import { openSession, type Session } from '../connection/session.ts';
import { quoteLiteral, readValue } from '../facts/sql-text.ts';
import type { LedgerTable } from './ledger-table.ts';
import { claimKeyOf, pollLock } from './lock.ts';

/** The session in which migrations run. One that was lost is replaced when it is asked for. */
export interface Worker extends AsyncDisposable {
  session(): Promise<WorkerSession>;
  /**
   * From now on every session of it waits until the one of an earlier run has ended: a server works on after its client was
   * killed.
   * @throws DbopsError LOCKED
   */
  claim(waitMs: number, onWait: (holder: string) => void): Promise<void>;
  /** Ends the open transaction, where there is one and a session to end it in. */
  rollBack(): Promise<void>;
  /** Takes back what a script has set for its session: the search path, a role, temporary tables. */
  reset(): Promise<void>;
  /** Whether an event is in the ledger, asked when the lost session has ended on the server too. */
  hasCommitted(eventId: string): Promise<boolean>;
}

export interface WorkerSession {
  readonly query: Query;
  readonly pid: string;
}

export interface WorkerRequest {
  readonly connection: Connection;
  readonly psql: string;
  readonly table: LedgerTable;
  readonly signal: AbortSignal;
}

export function createWorker({ connection, psql, table, signal }: WorkerRequest): Worker {
  const key = claimKeyOf(table);
  let open: (WorkerSession & AsyncDisposable) | undefined;
  let claimed = false;
  const close = async (): Promise<void> => {
    const last = open;
    open = undefined;
    await last?.[Symbol.asyncDispose]();
  };
  const session = async (): Promise<WorkerSession> => {
    if (open !== undefined) return open;
    open = await connect(await openSession({ connection, psql, signal }));
    if (claimed) await pollLock(open.query, { key, table, waitMs: Infinity, onWait: () => undefined, signal });
    return open;
  };
  const settle = async (sql: string): Promise<void> => {
    try {
      await open?.query(`${sql}${claimed ? `;\nSELECT pg_catalog.pg_try_advisory_lock(${key})` : ''}`);
    } catch {
      // It is lost, and with it all that was open in it.
      await close();
    }
  };
  return {
    session,
    claim: async (waitMs, onWait) => {
      const { query } = await session();
      await pollLock(query, { key, table, waitMs, onWait, signal });
      claimed = true;
    },
    rollBack: () => settle(`ROLLBACK;\n${resetting}`),
    reset: () => settle(resetting),
    hasCommitted: async (eventId) => {
      await close();
      const { query } = await session();
      const asked = `EXISTS (SELECT FROM ${table.log} WHERE id = ${quoteLiteral(eventId)})`;
      return (await readValue(query, asked)) === 'true';
    },
    [Symbol.asyncDispose]: close,
  };
}

async function connect(session: Session): Promise<WorkerSession & AsyncDisposable> {
  try {
    const pid = (await readValue(session.query, 'pg_catalog.pg_backend_pid()')) ?? '';
    // Such a session takes each byte for a letter; the text of a file is UTF-8.
    const asBytes = (await readValue(session.query, 'pg_catalog.getdatabaseencoding()')) === 'SQL_ASCII';
    const query: Query = (sql) => session.query(asBytes ? Buffer.from(sql).toString('latin1') : sql);
    return { query, pid, [Symbol.asyncDispose]: () => session[Symbol.asyncDispose]() };
  } catch (error) {
    await session[Symbol.asyncDispose]();
    throw error;
  }
}

// All locks go with it. The last two settings are what `openSession` has set.
const resetting = 'DISCARD ALL;\nSET statement_timeout = 0;\nSET standard_conforming_strings = on';
