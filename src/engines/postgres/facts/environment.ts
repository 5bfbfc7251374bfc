import type { Query, Row } from '../connection/query.ts';
import { SqlError } from '../connection/query.ts';
import { inSavepoint } from './savepoint.ts';
import { readVersion } from './sql-text.ts';

/** What surrounds the data and need not be the same after a restore. */
export interface Environment {
  readonly values: Readonly<Record<string, string | number | boolean>>;
  readonly warnings: readonly string[];
}

/**
 * Reads which server and which database this is. What the role may not read is absent. The session must be in a
 * transaction.
 */
export async function readEnvironment(query: Query): Promise<Environment> {
  const version = await readVersion(query);
  const server = await readRow(query, serverQuery);
  const collations = await readCollations(query, version);
  const extensions = await query('SELECT extname, extversion FROM pg_extension ORDER BY extname COLLATE "C"');
  const values = {
    serverVersionNum: version,
    ...server,
    ...(await readRow(query, databaseQuery(version))),
    ...(await readRow(query, 'SELECT system_identifier::text AS "systemIdentifier" FROM pg_control_system()')),
    ...(server['isStandby'] === true ? await readRow(query, lagQuery) : {}),
    ...collations.values,
    ...Object.fromEntries(extensions.map((row) => [`extension ${row['extname'] ?? ''}`, row['extversion'] ?? ''])),
  };
  return { values, warnings: collations.warnings };
}

const serverQuery = `
  SELECT current_setting('server_version') AS "serverVersion", pg_is_in_recovery() AS "isStandby",
    (SELECT count(*)::int FROM pg_event_trigger WHERE evtenabled <> 'D') AS "eventTriggers",
    (SELECT count(*)::int FROM pg_foreign_server) AS "foreignServers",
    (SELECT string_agg(DISTINCT s.spcname, ', ') FROM pg_class c JOIN pg_tablespace s ON s.oid = c.reltablespace
      WHERE s.spcname <> 'pg_global') AS tablespaces`;

/** Names of the columns: PostgreSQL manual, "pg_database", of 13, 15, 16 and 17. */
function databaseQuery(version: number): string {
  const locale = version >= 170_000 ? 'datlocale' : version >= 150_000 ? 'daticulocale' : 'NULL';
  const provider = version >= 150_000 ? 'datlocprovider' : "'c'";
  const collationVersion = version >= 150_000 ? 'datcollversion' : 'NULL';
  return `
    SELECT datname AS database, pg_encoding_to_char(encoding) AS encoding, datcollate AS collate, datctype AS ctype,
      ${provider}::text AS "localeProvider", ${locale} AS locale, ${collationVersion} AS "collationVersion",
      pg_database_size(oid)::text AS "databaseBytes"
    FROM pg_database WHERE datname = current_database()`;
}

/** Seconds since the last change that was replayed: no more than that behind, and less when the primary is idle. */
const lagQuery = `
  SELECT round(extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()))::int AS "lagSeconds",
    pg_wal_lsn_diff(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())::text AS "lagBytes"`;

const numbers = new Set(['databaseBytes', 'lagSeconds', 'lagBytes', 'eventTriggers', 'foreignServers']);

/** A refusal leaves the transaction usable, and gives nothing. */
async function readRow(query: Query, sql: string): Promise<Record<string, string | number | boolean>> {
  try {
    const [row = {}] = await inSavepoint(query, () => query(sql));
    return typed(row);
  } catch (error) {
    if (!(error instanceof SqlError)) throw error;
    return {};
  }
}

function typed(row: Row): Record<string, string | number | boolean> {
  const known = Object.entries(row).filter((entry): entry is [string, string] => entry[1] !== null);
  return Object.fromEntries(
    known.map(([name, value]) => {
      if (name === 'isStandby') return [name, value === 't'];
      return [name, numbers.has(name) ? Number(value) : value];
    }),
  );
}

/** Collations that indexes depend on and whose order the operating system or ICU may have changed since. */
async function readCollations(query: Query, version: number): Promise<Environment> {
  const ofDatabase =
    version < 150_000
      ? ''
      : `UNION ALL SELECT 'database default', datcollversion, pg_database_collation_actual_version(oid), 'DATABASE'
         FROM pg_database WHERE datname = current_database() AND datcollversion IS NOT NULL`;
  const rows = await query(`
    SELECT * FROM (
      SELECT format('%s.%s', n.nspname, c.collname), c.collversion, pg_collation_actual_version(c.oid), 'COLLATION'
      FROM pg_collation c JOIN pg_namespace n ON n.oid = c.collnamespace
      WHERE c.collversion IS NOT NULL AND c.oid IN (
        SELECT attcollation FROM pg_attribute UNION SELECT typcollation FROM pg_type
        UNION SELECT unnest(indcollation) FROM pg_index)
      ${ofDatabase}
    ) used (name, recorded, actual, kind) ORDER BY kind DESC, name COLLATE "C"`);
  return {
    values: Object.fromEntries(rows.map((row) => [`collation ${row['name'] ?? ''}`, row['recorded'] ?? ''])),
    warnings: rows.filter((row) => row['actual'] !== null && row['actual'] !== row['recorded']).map(warnOfCollation),
  };
}

function warnOfCollation(row: Row): string {
  const { name, recorded, actual, kind } = row;
  const what = kind === 'DATABASE' ? 'the default collation of the database' : `collation ${name ?? ''}`;
  return (
    `${what} was version ${recorded ?? ''} when its indexes were built and is ${actual ?? ''} now: ` +
    `they may miss rows; REINDEX, then ALTER ${kind ?? ''} … REFRESH COLLATION VERSION`
  );
}
