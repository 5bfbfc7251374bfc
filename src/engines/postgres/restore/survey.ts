import { statfs } from 'node:fs/promises';
import { DbopsError } from '../../../core/errors.ts';
import type { DatabaseAddress, DestinationState } from '../../../core/ports/engine.ts';
import type { CallOptions } from '../../../core/ports/storage.ts';
import type { EngineHost } from '../../engine-driver.ts';
import { createConnection, type Connection } from '../connection/connection.ts';
import { SqlError } from '../connection/query.ts';
import type { Session } from '../connection/session.ts';
import { quoteLiteral } from '../facts/sql-text.ts';
import { keptName } from './promote.ts';
import { nameIn, openServer } from './server.ts';
import { usersOf } from './users.ts';

/** Looks at the server of a destination, and at what stands under its name. */
export async function survey(
  destination: DatabaseAddress,
  host: EngineHost,
  { signal }: CallOptions,
): Promise<DestinationState> {
  const connection = createConnection(destination, host);
  const name = nameIn(connection);
  await using stack = new AsyncDisposableStack();
  const server = await openServer(connection, signal, stack);
  const { session } = server;
  const [row] = await session.query(
    `SELECT pg_catalog.pg_database_size(oid)::text AS bytes, datistemplate::text AS template FROM pg_catalog.pg_database WHERE datname = ${quoteLiteral(name)}`,
  );
  if (row?.['template'] === 'true') refuseTemplate(connection);
  if (server.connection.parameters['dbname'] === name) refuseOwnPlace(connection);
  return {
    exists: row !== undefined,
    bytes: Number(row?.['bytes'] ?? 0),
    users: row === undefined ? [] : await usersOf(session.query, name),
    freeBytes: await freeBytesOf(connection, session),
    scratchParent: undefined,
    stagedAs: 'a new database beside it',
    keptAs: (stamp) => keptName(name, stamp),
  };
}

/** What is put in its place would be in every database that is made from then on. */
function refuseTemplate({ label }: Connection): never {
  throw new DbopsError('REFUSED', `${label} is a template, from which the server makes new databases`, {
    hint: 'Name another database with --into.',
  });
}

/** Nobody can take the name of the database that a session of ours is in. */
function refuseOwnPlace({ label }: Connection): never {
  throw new DbopsError('REFUSED', `${label} is the database from which others are made and renamed`, {
    hint: 'Name another database with --into, and copy by hand what belongs into this one.',
  });
}

/** A server tells nobody what is free on its disk; one that is reached by a socket has it on this machine. */
async function freeBytesOf({ parameters, via }: Connection, { query }: Session): Promise<number | undefined> {
  const { host } = parameters;
  if (via.length > 0 || (host !== undefined && !host.startsWith('/'))) return undefined;
  try {
    const [row] = await query('SHOW data_directory');
    const { bavail, bsize } = await statfs(row?.['data_directory'] ?? '');
    return bavail * bsize;
  } catch (error) {
    // A role without the right to know, or a server in a container whose socket is shared.
    if (error instanceof SqlError || (error instanceof Error && 'errno' in error)) return undefined;
    throw error;
  }
}
