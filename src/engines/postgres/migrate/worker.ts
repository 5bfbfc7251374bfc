import { systemClock } from '../../../platform/clock.ts';
import type { Connection } from '../connection/connection.ts';
import type { Query } from '../connection/query.ts';
import { openSession, type Session } from '../connection/session.ts';
import { quoteLiteral, readValue } from '../facts/sql-text.ts';
import type { LedgerTable } from './ledger-table.ts';

/** The session in which migrations run. One that was lost is replaced when it is asked for. */
export interface Worker extends AsyncDisposable {
  session(): Promise<{ readonly query: Query; readonly pid: string }>;
  /** Ends the open transaction, where there is one and a session to end it in. */
  rollBack(): Promise<void>;
  /** Takes back what a script has set for its session: the search path, a role, temporary tables. */
  reset(): Promise<void>;
  /** Whether an event is in the ledger, asked when the lost session has ended on the server too. */
  hasCommitted(eventId: string, table: LedgerTable): Promise<boolean>;
}

const askEveryMs = 100;

export function createWorker(connection: Connection, psql: string, signal: AbortSignal): Worker {
  let open: (Session & { readonly pid: string }) | undefined;
  const close = async (): Promise<void> => {
    const last = open;
    open = undefined;
    await last?.[Symbol.asyncDispose]();
  };
  const connect = async (): Promise<Session & { readonly pid: string }> => {
    const session = await openSession({ connection, psql, signal });
    try {
      const pid = (await readValue(session.query, 'pg_catalog.pg_backend_pid()')) ?? '';
      // Such a session takes each byte for a letter; the text of a file is UTF-8.
      const asBytes = (await readValue(session.query, 'pg_catalog.getdatabaseencoding()')) === 'SQL_ASCII';
      const query: Query = (sql) => session.query(asBytes ? Buffer.from(sql).toString('latin1') : sql);
      return { ...session, query, pid };
    } catch (error) {
      await session[Symbol.asyncDispose]();
      throw error;
    }
  };
  const settle = async (sql: string): Promise<void> => {
    try {
      await open?.query(sql);
    } catch {
      await close();
    }
  };
  return {
    session: async () => (open ??= await connect()),
    rollBack: () => settle(`ROLLBACK;\n${resetting}`),
    reset: () => settle(resetting),
    hasCommitted: async (eventId, table) => {
      const pid = open?.pid ?? '0';
      await close();
      const { query } = (open ??= await connect());
      const isAlive = `EXISTS (SELECT FROM pg_catalog.pg_stat_activity WHERE pid = ${Number(pid)} AND pid <> pg_catalog.pg_backend_pid())`;
      while ((await readValue(query, isAlive)) === 'true') await systemClock.sleep(askEveryMs, signal);
      return (
        (await readValue(query, `EXISTS (SELECT FROM ${table.log} WHERE id = ${quoteLiteral(eventId)})`)) === 'true'
      );
    },
    [Symbol.asyncDispose]: close,
  };
}

// The last two are what `openSession` has set.
const resetting = 'DISCARD ALL;\nSET statement_timeout = 0;\nSET standard_conforming_strings = on';
