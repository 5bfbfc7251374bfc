import type { DatabaseAddress } from '../../../core/ports/engine.ts';
import type { CallOptions } from '../../../core/ports/storage.ts';
import type { EngineHost } from '../../engine-driver.ts';
import { createConnection } from '../connection/connection.ts';
import { openServer } from '../restore/server.ts';

/** Every database of a server that lets people in and is no template, by name. */
export async function listDatabases(
  address: DatabaseAddress,
  host: EngineHost,
  { signal }: CallOptions,
): Promise<readonly string[]> {
  await using stack = new AsyncDisposableStack();
  const { session } = await openServer(createConnection(address, host), signal, stack);
  const rows = await session.query(
    'SELECT datname AS name FROM pg_catalog.pg_database WHERE datallowconn AND NOT datistemplate ORDER BY datname COLLATE "C"',
  );
  return rows.flatMap(({ name }) => (typeof name === 'string' ? [name] : []));
}
