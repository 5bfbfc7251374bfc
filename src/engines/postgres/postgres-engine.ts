import type { Engine } from '../../core/ports/engine.ts';
import type { EngineHost } from '../engine-driver.ts';
import { explained } from './connection/failure.ts';
import { inspect } from './inspect.ts';
import { stage } from './restore/stage.ts';
import { survey } from './restore/survey.ts';
import { listDatabases } from './source/databases.ts';
import { open } from './source/source.ts';
import { exportTables } from './tables/export-tables.ts';
import { restoreTables } from './tables/restore-tables.ts';
import { unknownTables } from './tables/unknown-tables.ts';

const notRestored = 'the backup cannot be restored';

/** PostgreSQL, by its own programs: pg_dump, pg_restore and psql, here or where an address leads. */
export function createPostgresEngine(host: EngineHost): Engine {
  return {
    name: 'postgres',
    databases: (source, options) => explained('the databases cannot be listed', listDatabases(source, host, options)),
    open: (address, options) => explained(`${address.location} cannot be looked at`, open(address, host, options)),
    inspect: (parts, depth, options) => inspect(parts, depth, host, options),
    // One file is all of a dump.
    refuseIncomplete: async () => undefined,
    survey: (destination, options) =>
      explained(`${destination.location} cannot be looked at`, survey(destination, host, options)),
    stage: (parts, destination, request) => explained(notRestored, stage(parts, destination, request, host)),
    restoreTables: (parts, destination, request) => restoreTables(parts, destination, request, host),
    exportTables: (parts, file, request) => exportTables(parts, file, request, host),
    unknownTables,
  };
}
