import type { DatabaseAddress, DestinationState } from '../../../core/ports/engine.ts';
import type { CallOptions } from '../../../core/ports/storage.ts';
import type { EngineHost } from '../../engine-driver.ts';
import { createConnection } from '../connection/connection.ts';
import type { Query } from '../connection/query.ts';
import { quoteLiteral } from '../facts/sql-text.ts';
import { keptName } from './promote.ts';
import { nameIn, openServer } from './stage.ts';

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

/** Connections to a database, in words. */
export async function usersOf(query: Query, name: string): Promise<string[]> {
  const rows = await query(`
    SELECT usename AS role, application_name AS application, client_addr::text AS address, count(*)::text AS connections
    FROM pg_catalog.pg_stat_activity
    WHERE datname = ${quoteLiteral(name)} AND pid <> pg_catalog.pg_backend_pid() AND backend_type = 'client backend'
    GROUP BY 1, 2, 3 ORDER BY count(*) DESC, 1, 2 LIMIT 10`);
  return rows.map(({ role, application, address, connections }) => {
    const program = application === '' || application === null ? 'a program' : application;
    const from = address === null || address === undefined ? '' : ` from ${address}`;
    const times = connections === '1' ? '' : ` (${connections} connections)`;
    return `${program} as ${role ?? 'nobody'}${from}${times}`;
  });
}
