import { createHash } from 'node:crypto';
import Database from 'better-sqlite3';
import { messageOf } from '../../../core/errors.ts';
import type { Facts, TableFacts } from '../../../core/facts.ts';
import type { FactLevel } from '../../../core/levels.ts';
import { quoteName } from './quote.ts';

export interface FactsAndWarnings {
  readonly facts: Facts;
  readonly warnings: readonly string[];
}

/** Reads what is true of the database that the connection sees. */
export function readFacts(db: Database.Database, level: FactLevel): FactsAndWarnings {
  const warnings: string[] = [];
  const tables = tableNames(db).map((name) => readTable(db, name, level, warnings));
  const properties = Object.fromEntries(
    ['user_version', 'application_id', 'page_size', 'encoding', 'auto_vacuum'].map((name) => [name, pragma(db, name)]),
  );
  return { facts: { schema: schemaDigest(db), tables, properties }, warnings };
}

/** All tables with rows of their own, in the order of their names; statistics are not content. */
export function tableNames(db: Database.Database): string[] {
  return db
    .prepare<[], { name: string }>(
      "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_stat%' ESCAPE '\\' ORDER BY name",
    )
    .all()
    .map(({ name }) => name);
}

function pragma(db: Database.Database, name: string): string | number {
  const value: unknown = db.pragma(name, { simple: true });
  return typeof value === 'number' ? value : String(value);
}

function schemaDigest(db: Database.Database): string {
  const hash = createHash('sha256');
  const rows = db.prepare('SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name, tbl_name').raw();
  for (const row of rows.iterate()) hash.update(`${JSON.stringify(row)}\n`);
  return hash.digest('hex');
}

function readTable(db: Database.Database, name: string, level: FactLevel, warnings: string[]): TableFacts {
  const rows = attempt(`table ${JSON.stringify(name)} cannot be counted here`, warnings, () => countRows(db, name));
  if (rows === undefined) return { name, rows: null };
  if (level === 'rows') return { name, rows };
  const failed = `the content of table ${JSON.stringify(name)} cannot be read here`;
  const content = attempt(failed, warnings, () => contentDigest(db, name));
  return content === undefined ? { name, rows } : { name, rows, content };
}

function countRows(db: Database.Database, table: string): number {
  return db.prepare<[], { n: number }>(`SELECT count(*) AS n FROM ${quoteName(table)}`).get()?.n ?? 0;
}

/**
 * What SQL cannot read need not be damaged, and its bytes are copied all the same: a module or function that only the
 * application has, a search index whose table is gone, a computed column that fails on some row.
 */
function attempt<T>(failed: string, warnings: string[], read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof Database.SqliteError) || error.code !== 'SQLITE_ERROR') throw error;
    warnings.push(`${failed}: ${error.message}`);
    return undefined;
  }
}

/** True for errors that say that the application has extensions which dbops has not. */
export function isForeign(error: unknown): boolean {
  return /no such (module|collation sequence|function|tokenizer)|unknown tokenizer/i.test(messageOf(error));
}

/**
 * The sum, modulo 2^128, of the first 16 bytes of every row's SHA-256: equal for equal rows in any order. A row is its
 * values in column order, each as a type letter, a length and the bytes as stored, so that texts of any encoding and
 * floats differ where a bit does.
 */
function contentDigest(db: Database.Database, table: string): string {
  let sum = 0n;
  for (const values of readableRows(db, table)) {
    const hash = createHash('sha256');
    for (const [type, bytes] of values) updateValue(hash, type, bytes);
    sum = (sum + BigInt(`0x${hash.digest('hex').slice(0, 32)}`)) & ((1n << 128n) - 1n);
  }
  return sum.toString(16).padStart(32, '0');
}

// With two terms a column, a query would have more than the 2,000 columns that are allowed.
const widestPair = 900;

function* readableRows(db: Database.Database, table: string): Generator<[type: string, bytes: Buffer][]> {
  const columns = columnNames(db, table).map(quoteName);
  const wide = columns.length > widestPair;
  const terms = columns.flatMap((column) => (wide ? [hexOfText(column)] : [`typeof(${column})`, bytesOfText(column)]));
  const statement = db.prepare<[], readonly unknown[]>(`SELECT ${terms.join(', ')} FROM ${quoteName(table)}`);
  for (const row of statement.raw().safeIntegers().iterate()) {
    yield columns.map((_, index) =>
      wide ? typedByValue(row[index]) : [String(row[2 * index]), bytesOf(row[2 * index + 1])],
    );
  }
}

function bytesOfText(column: string): string {
  return `CASE typeof(${column}) WHEN 'text' THEN CAST(${column} AS BLOB) ELSE ${column} END`;
}

function hexOfText(column: string): string {
  return `CASE typeof(${column}) WHEN 'text' THEN hex(${column}) ELSE ${column} END`;
}

function typedByValue(value: unknown): [type: string, bytes: Buffer] {
  if (typeof value === 'bigint') return ['integer', bytesOf(value)];
  if (typeof value === 'number') return ['real', bytesOf(value)];
  if (typeof value === 'string') return ['text', Buffer.from(value, 'hex')];
  return [Buffer.isBuffer(value) ? 'blob' : 'null', bytesOf(value)];
}

function columnNames(db: Database.Database, table: string): string[] {
  const rows = db.pragma(`table_xinfo(${quoteName(table)})`) as readonly { name: string; hidden: number }[];
  return rows.filter(({ hidden }) => hidden !== 1).map(({ name }) => name);
}

function updateValue(hash: ReturnType<typeof createHash>, type: string, bytes: Buffer): void {
  const head = Buffer.alloc(9);
  head.write(type.slice(0, 1), 0, 'latin1');
  head.writeBigUInt64LE(BigInt(bytes.length), 1);
  hash.update(head).update(bytes);
}

function bytesOf(value: unknown): Buffer {
  if (Buffer.isBuffer(value)) return value;
  const bytes = Buffer.alloc(8);
  if (typeof value === 'bigint') bytes.writeBigInt64LE(value);
  else if (typeof value === 'number') bytes.writeDoubleLE(value);
  else return Buffer.alloc(0);
  return bytes;
}
