import { DbopsError, messageOf } from '../../../core/errors.ts';
import { findClients } from '../connection/clients.ts';
import type { Connection } from '../connection/connection.ts';
import { openSession, type Session } from '../connection/session.ts';
import { readVersion } from '../facts/sql-text.ts';

/** A server on which a database can be made, and what is known of it. */
export interface Server {
  readonly session: Session;
  readonly connection: Connection;
  readonly major: number;
  /** Path or name of psql. */
  readonly psql: string;
  readonly signal: AbortSignal;
  /** True for one that nobody else uses: roles may be made up there. */
  readonly throwAway: boolean;
}

/** Opens a session beside the databases that are meant; the stack ends it. */
export async function openServer(
  connection: Connection,
  signal: AbortSignal,
  stack: AsyncDisposableStack,
  throwAway = false,
): Promise<Server> {
  const { paths } = await findClients(connection, ['psql'], 0, signal);
  const admin = await openAdmin(connection, paths.psql, signal);
  stack.use(admin.session);
  const major = Math.trunc((await readVersion(admin.session.query)) / 10_000);
  return { ...admin, major, psql: paths.psql, signal, throwAway };
}

/** @throws DbopsError USAGE */
export function nameIn({ parameters, label }: Connection): string {
  const { dbname, user } = parameters;
  const name = dbname ?? user;
  if (name !== undefined) return name;
  throw new DbopsError('USAGE', `${label} names no database`, { hint: 'Write postgresql://user@host/name.' });
}

/** A session in a database that is always there, for what cannot be done from inside the one that is meant. */
async function openAdmin(
  connection: Connection,
  psql: string,
  signal: AbortSignal,
): Promise<{ readonly session: Session; readonly connection: Connection }> {
  const first = connection.to('postgres');
  try {
    return { session: await openSession({ connection: first, psql, signal }), connection: first };
  } catch (error) {
    if (!/database "postgres" does not exist/.test(messageOf(error))) throw error;
    const second = connection.to('template1');
    return { session: await openSession({ connection: second, psql, signal }), connection: second };
  }
}
