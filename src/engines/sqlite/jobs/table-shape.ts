import type Database from 'better-sqlite3';
import { DbopsError } from '../../../core/errors.ts';
import { quoteName } from './quote.ts';

/** What has to be made for one table, in the order of making it. */
export interface TableShape {
  readonly name: string;
  readonly sql: string;
  readonly kind: 'table' | 'virtual';
  /** Columns that take values; generated ones make their own. */
  readonly columns: readonly string[];
  /** The name under which the rowid can be written, when it is not a column and exists at all. */
  readonly rowid: string | undefined;
  /** Tables in which a virtual table keeps its content. */
  readonly shadows: readonly string[];
  readonly indexes: readonly string[];
  readonly triggers: readonly string[];
  /** The last key that AUTOINCREMENT gave, when the table has one. */
  readonly sequence: bigint | undefined;
}

interface ListedTable {
  readonly name: string;
  readonly type: string;
  readonly wr: number;
}

/**
 * Reads a table's shape from `schema` (`main`, or an attached database).
 * @throws DbopsError NOTHING_MATCHES, or REFUSED for a table that is part of another one.
 */
export function shapeOf(db: Database.Database, schema: string, table: string): TableShape {
  const listed = listTables(db, schema);
  const found = listed.find(({ name }) => name === table) ?? listed.find(({ name }) => sameName(name, table));
  const sql = found && definitionOf(db, schema, found.name);
  if (found === undefined || typeof sql !== 'string') throw noSuchTable(listed, table);
  if (found.type === 'shadow') {
    throw new DbopsError('REFUSED', `table ${JSON.stringify(table)} is the inside of a virtual table`, {
      hint: 'Name the virtual table itself; its inside comes with it.',
    });
  }
  const columns = columnsOf(db, schema, found.name);
  const virtual = found.type === 'virtual';
  return {
    name: found.name,
    sql,
    kind: virtual ? 'virtual' : 'table',
    columns: columns.filter(({ hidden }) => hidden === 0).map(({ name }) => name),
    rowid: virtual || found.wr === 1 ? undefined : rowidOf(columns, hasKeyIndex(db, schema, found.name)),
    shadows: virtual ? shadowsOf(listed, found.name) : [],
    indexes: attachments(db, schema, 'index', found.name),
    triggers: attachments(db, schema, 'trigger', found.name),
    sequence: sequenceOf(db, schema, found.name),
  };
}

function listTables(db: Database.Database, schema: string): ListedTable[] {
  const rows = db.pragma(`${quoteName(schema)}.table_list`) as readonly (ListedTable & { schema: string })[];
  return rows.filter((row) => row.schema === schema && !row.name.startsWith('sqlite_'));
}

/** SQLite compares names without regard to the case of ASCII letters. */
function sameName(one: string, other: string): boolean {
  const fold = (name: string): string => name.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  return fold(one) === fold(other);
}

function noSuchTable(listed: readonly ListedTable[], table: string): DbopsError {
  const names = listed.filter(({ type }) => type === 'table' || type === 'virtual').map(({ name }) => name);
  return new DbopsError('NOTHING_MATCHES', `the backup has no table ${JSON.stringify(table)}`, {
    hint: `It has: ${names.toSorted().join(', ') || 'no table at all'}.`,
  });
}

function definitionOf(db: Database.Database, schema: string, table: string): unknown {
  const statement = db.prepare<[string], { sql: unknown }>(
    `SELECT sql FROM ${quoteName(schema)}.sqlite_schema WHERE type = 'table' AND name = ?`,
  );
  return statement.get(table)?.sql;
}

interface Column {
  readonly name: string;
  readonly type: string;
  readonly pk: number;
  readonly hidden: number;
}

function columnsOf(db: Database.Database, schema: string, table: string): Column[] {
  return db.pragma(`${quoteName(schema)}.table_xinfo(${quoteName(table)})`) as Column[];
}

const mostColumns = 2_000;

// A table whose primary key is the rowid shows it as a column; the others lose it unless it is named.
function rowidOf(columns: readonly Column[], keyIndex: boolean): string | undefined {
  // One more than a query may have: such a table gets new row numbers.
  if (columns.length >= mostColumns) return undefined;
  const keys = columns.filter(({ pk }) => pk > 0);
  if (keys.length === 1 && !keyIndex) return undefined;
  const taken = new Set(columns.map(({ name }) => name.toLowerCase()));
  return ['rowid', '_rowid_', 'oid'].find((name) => !taken.has(name));
}

/** A primary key that is the rowid needs no index of its own; `INTEGER PRIMARY KEY DESC` is none and has one. */
function hasKeyIndex(db: Database.Database, schema: string, table: string): boolean {
  const rows = db.pragma(`${quoteName(schema)}.index_list(${quoteName(table)})`) as readonly { origin: string }[];
  return rows.some(({ origin }) => origin === 'pk');
}

/** `a` and `a_b` may both be virtual: `a_b_data` belongs to the one with the longer name. */
function shadowsOf(listed: readonly ListedTable[], table: string): string[] {
  const owners = listed.filter(({ type }) => type === 'virtual').map(({ name }) => name);
  const ownerOf = (shadow: string): string | undefined =>
    owners.filter((owner) => shadow.startsWith(`${owner}_`)).toSorted((a, b) => b.length - a.length)[0];
  return listed.filter(({ name, type }) => type === 'shadow' && ownerOf(name) === table).map(({ name }) => name);
}

function sequenceOf(db: Database.Database, schema: string, table: string): bigint | undefined {
  const known = db.prepare(`SELECT 1 FROM ${quoteName(schema)}.sqlite_schema WHERE name = 'sqlite_sequence'`).get();
  if (known === undefined) return undefined;
  const statement = db.prepare<[string], { seq: unknown }>(
    `SELECT seq FROM ${quoteName(schema)}.sqlite_sequence WHERE name = ?`,
  );
  const seq = statement.safeIntegers().get(table)?.seq;
  return typeof seq === 'bigint' ? seq : undefined;
}

function attachments(db: Database.Database, schema: string, type: string, table: string): string[] {
  const statement = db.prepare<[string, string], { sql: string | null }>(
    `SELECT sql FROM ${quoteName(schema)}.sqlite_schema WHERE type = ? AND tbl_name = ? COLLATE NOCASE ORDER BY rowid`,
  );
  // A trigger keeps its table's name as it was typed, in whatever case.
  // Indexes of UNIQUE and PRIMARY KEY have no text: the table's own definition makes them.
  return statement.all(type, table).flatMap(({ sql }) => (sql === null ? [] : [sql]));
}
