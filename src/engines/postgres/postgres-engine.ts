import type { Engine } from '../../core/ports/engine.ts';
import type { EngineHost } from '../engine-driver.ts';
import { inspect } from './inspect.ts';
import { stage } from './restore/stage.ts';
import { survey } from './restore/survey.ts';
import { listDatabases } from './source/databases.ts';
import { open } from './source/source.ts';
import { exportTables } from './tables/export-tables.ts';
import { restoreTables } from './tables/restore-tables.ts';
import { unknownTables } from './tables/unknown-tables.ts';

/** PostgreSQL, by its own programs: pg_dump, pg_restore and psql, here or where an address leads. */
export function createPostgresEngine(host: EngineHost): Engine {
  return {
    name: 'postgres',
    databases: (source, options) => listDatabases(source, host, options),
    open: (address, options) => open(address, host, options),
    inspect: (parts, depth, options) => inspect(parts, depth, host, options),
    // One file is all of a dump.
    refuseIncomplete: async () => undefined,
    survey: (destination, options) => survey(destination, host, options),
    stage: (parts, destination, request) => stage(parts, destination, request, host),
    restoreTables: (parts, destination, request) => restoreTables(parts, destination, request, host),
    exportTables: (parts, file, request) => exportTables(parts, file, request, host),
    unknownTables,
  };
}
