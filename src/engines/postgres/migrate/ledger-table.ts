import { DbopsError } from '../../../core/errors.ts';
import {
  eventOf,
  ledgerColumns,
  LEDGER_FORMAT,
  type AppliedVersion,
  type Ledger,
  type LedgerEvent,
} from '../../../core/migrations/ledger.ts';
import type { LedgerChange } from '../../../core/ports/migration-target.ts';
import { parseName } from '../../../core/sql/names.ts';
import type { Query } from '../connection/query.ts';
import { quoteIdentifier, quoteLiteral, readValue } from '../facts/sql-text.ts';

/** The tables of a ledger, always named with their schema: a migration may set the search path. */
export interface LedgerTable {
  readonly schema: string;
  readonly name: string;
  readonly versions: string;
  readonly log: string;
}

/** @throws DbopsError USAGE */
export function ledgerTable(word: string): LedgerTable {
  const parts = parseName(word) ?? [];
  const [name = '', schema = 'public'] = parts.toReversed();
  if (name === '' || parts.length > 2) {
    throw new DbopsError('USAGE', `${JSON.stringify(word)} is no name of a table`, {
      hint: 'Write a name, or a schema and a name: app.schema_migrations.',
    });
  }
  const qualify = (table: string): string => `${quoteIdentifier(schema)}.${quoteIdentifier(table)}`;
  return { schema, name, versions: qualify(name), log: qualify(`${name}_log`) };
}

/** Reads without writing, locks or settings of the session. */
export async function readLedger(query: Query, table: LedgerTable): Promise<Ledger> {
  const [versions, log] = await Promise.all([
    columnsOf(query, table.name, table),
    columnsOf(query, `${table.name}_log`, table),
  ]);
  const populated = (await readValue(query, `EXISTS (${ownTables(table)})`)) === 'true';
  if (versions.length === 0) return { state: 'absent', populated, applied: [], events: [] };
  refuseForeign(versions, table);
  const isBare = !versions.includes('event') || log.length === 0;
  const applied = await query(
    `SELECT version::text, ${isBare ? 'NULL' : 'event'} AS event FROM ${table.versions} ORDER BY 1`,
  );
  const events = log.length === 0 ? [] : await readEvents(query, table);
  return { state: isBare ? 'bare' : 'present', populated, applied: applied.map(appliedOf), events };
}

function appliedOf(row: Readonly<Record<string, string | null>>): AppliedVersion {
  return { version: row['version'] ?? '', event: row['event'] ?? null };
}

/** Tables of people: neither the system's, nor an extension's, nor these. */
function ownTables({ schema, name }: LedgerTable): string {
  return `SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    AND NOT (n.nspname = ${quoteLiteral(schema)} AND c.relname IN (${quoteLiteral(name)}, ${quoteLiteral(`${name}_log`)}))
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid AND d.deptype = 'e')`;
}

async function columnsOf(query: Query, name: string, { schema }: LedgerTable): Promise<string[]> {
  const rows = await query(`SELECT a.attname::text AS name FROM pg_catalog.pg_attribute a
    JOIN pg_catalog.pg_class c ON c.oid = a.attrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = ${quoteLiteral(schema)} AND c.relname = ${quoteLiteral(name)} AND a.attnum > 0 AND NOT a.attisdropped`);
  return rows.map((row) => row['name'] ?? '');
}

function refuseForeign(columns: readonly string[], { versions }: LedgerTable): void {
  if (columns.includes('version') && !columns.includes('dirty')) return;
  const reason = columns.includes('dirty') ? 'is the ledger of golang-migrate' : 'has no column "version"';
  throw new DbopsError('MIGRATION_DRIFT', `${versions} ${reason}`, {
    hint: 'Name another table for the ledger: --table dbops_migrations.',
  });
}

async function readEvents(query: Query, { log }: LedgerTable): Promise<readonly LedgerEvent[]> {
  const columns = ledgerColumns.map(([, column]) =>
    column === 'started_at'
      ? `to_char(started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS started_at`
      : quoteIdentifier(column),
  );
  const rows = await query(`SELECT format, ${columns.join(', ')} FROM ${log} ORDER BY seq`);
  const newest = Math.max(...rows.map((row) => Number(row['format'])));
  if (newest > LEDGER_FORMAT) {
    throw new DbopsError('MIGRATION_DRIFT', `${log} was written by a newer dbops (format ${newest})`, {
      hint: 'Upgrade dbops on this machine.',
    });
  }
  return rows.map(eventOf);
}

/** The statements that make the ledger, or complete that of another tool; each may be repeated. */
export function preparation({ versions, log }: LedgerTable): readonly string[] {
  const columns = ledgerColumns.map(([, column, type]) => `${quoteIdentifier(column)} ${sqlType(column, type)}`);
  return [
    `CREATE TABLE IF NOT EXISTS ${versions} (version text PRIMARY KEY)`,
    `ALTER TABLE ${versions} ADD COLUMN IF NOT EXISTS event text`,
    `CREATE TABLE IF NOT EXISTS ${log} (seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, format integer NOT NULL, ${columns.join(', ')})`,
  ];
}

function sqlType(column: string, type: 'text' | 'number'): string {
  if (column === 'id') return 'text NOT NULL UNIQUE';
  if (column === 'started_at') return 'timestamptz NOT NULL';
  return type === 'number' ? 'bigint' : 'text';
}

/** One statement that writes an event. */
export function insertEvent(event: LedgerEvent, { log }: LedgerTable): string {
  const columns = ledgerColumns.map(([, column]) => quoteIdentifier(column));
  const values = ledgerColumns.map(([field, column]) =>
    column === 'db_user' ? 'session_user::text' : literal(event[field]),
  );
  return `INSERT INTO ${log} (format, ${columns.join(', ')}) VALUES (${LEDGER_FORMAT}, ${values.join(', ')})`;
}

/** The statements that change what is applied. */
export function changes({ add, remove }: LedgerChange, { versions }: LedgerTable): readonly string[] {
  return [
    ...remove.map((version) => `DELETE FROM ${versions} WHERE version::text = ${literal(version)}`),
    ...add.map(
      ({ version, event }) =>
        `INSERT INTO ${versions} (version, event) VALUES (${literal(version)}, ${literal(event)})`,
    ),
  ];
}

function literal(value: string | number | null): string {
  if (value === null) return 'NULL';
  return typeof value === 'number' ? String(value) : quoteLiteral(value);
}
