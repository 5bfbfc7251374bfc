import type { DatabaseAddress, DestinationState } from '../../../core/ports/engine.ts';
import type { CallOptions } from '../../../core/ports/storage.ts';
import type { EngineHost } from '../../engine-driver.ts';
import { createConnection } from '../connection/connection.ts';
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
  const { session } = await openServer(connection, signal, stack);
  const [row] = await session.query(
    `SELECT pg_catalog.pg_database_size(oid)::text AS bytes FROM pg_catalog.pg_database WHERE datname = ${quoteLiteral(name)}`,
  );
  return {
    exists: row !== undefined,
    bytes: Number(row?.['bytes'] ?? 0),
    users: row === undefined ? [] : await usersOf(session.query, name),
    // What is free on the server's disk, it tells nobody.
    freeBytes: undefined,
    scratchParent: undefined,
    stagedAs: 'a new database beside it',
    keptAs: (stamp) => keptName(name, stamp),
  };
}
