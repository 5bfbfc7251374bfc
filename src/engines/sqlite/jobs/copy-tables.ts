import { closeSync, fsyncSync, openSync } from 'node:fs';
import Database from 'better-sqlite3';
import { DbopsError } from '../../../core/errors.ts';
import { foreignKeyWarnings } from './foreign-keys.ts';
import type { CopyTablesInput, OnProgress, TablesOutput } from './job.ts';
import { quoteName } from './quote.ts';
import { explainSqlite } from './sqlite-error.ts';
import { shapeOf, type TableShape } from './table-shape.ts';

const backup = 'dbops_backup';

/**
 * Copies whole tables (definition, rows, indexes, triggers) out of a restored copy into a database, in one
 * transaction of that database. Before a table is overwritten, the whole database is kept beside it.
 */
export async function copyTables(input: CopyTablesInput, onProgress: OnProgress): Promise<TablesOutput> {
  try {
    const db = new Database(input.into, { timeout: input.lockTimeoutMs });
    try {
      prepare(db, input);
      const shapes = input.tables.map((table) => shapeOf(db, backup, table));
      const taken = shapes.filter(({ name }) => exists(db, name)).map(({ name }) => name);
      if (taken.length > 0 && !input.overwrite) throw tablesExist(taken);
      const kept = taken.length > 0 ? await keepDatabase(db, input, onProgress) : null;
      const tables = db.transaction(() => shapes.map((shape) => copyTable(db, shape))).immediate();
      return { tables, kept, warnings: foreignKeyWarnings(db) };
    } finally {
      db.close();
    }
  } catch (error) {
    throw explainSqlite(error, input.into);
  }
}

function prepare(db: Database.Database, { from }: CopyTablesInput): void {
  // Inside a virtual table there are tables that only this mode lets us fill.
  db.unsafeMode(true);
  db.pragma('trusted_schema = OFF');
  // Dropping a table under enforcement deletes its rows first, and with them the rows that refer to it.
  db.pragma('foreign_keys = OFF');
  db.pragma('recursive_triggers = OFF');
  if (isNew(db)) matchEncoding(db, from);
  db.prepare(`ATTACH ? AS ${backup}`).run(from);
}

function isNew(db: Database.Database): boolean {
  return db.pragma('page_count', { simple: true }) === 0;
}

function matchEncoding(db: Database.Database, from: string): void {
  const source = new Database(from, { readonly: true });
  try {
    db.pragma(`encoding = '${String(source.pragma('encoding', { simple: true }))}'`);
    db.pragma(`page_size = ${Number(source.pragma('page_size', { simple: true }))}`);
  } finally {
    source.close();
  }
}

function exists(db: Database.Database, name: string): boolean {
  return db.prepare('SELECT 1 FROM main.sqlite_schema WHERE name = ? COLLATE NOCASE').get(name) !== undefined;
}

function tablesExist(taken: readonly string[]): DbopsError {
  const names = taken.map((name) => JSON.stringify(name)).join(', ');
  return new DbopsError('REFUSED', `${taken.length === 1 ? 'table' : 'tables'} ${names} exist there already`, {
    hint: 'Add --overwrite (a copy of the database is kept first), or restore into another file and compare.',
  });
}

async function keepDatabase(db: Database.Database, input: CopyTablesInput, onProgress: OnProgress): Promise<string> {
  const pageSize = Number(db.pragma('page_size', { simple: true }));
  await db.backup(input.keepAs, {
    progress: ({ totalPages, remainingPages }) => {
      onProgress((totalPages - remainingPages) * pageSize, totalPages * pageSize);
      return 0x7fff_ffff;
    },
  });
  const file = openSync(input.keepAs, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  return input.keepAs;
}

function copyTable(db: Database.Database, shape: TableShape): { name: string; rows: number } {
  const name = quoteName(shape.name);
  db.prepare(`DROP TABLE IF EXISTS main.${name}`).run();
  // `prepare` takes exactly one statement: a definition from a hostile file cannot bring a second one along.
  db.prepare(shape.sql).run();
  if (shape.kind === 'virtual') copyShadows(db, shape);
  else copyRows(db, shape);
  for (const sql of [...shape.indexes, ...shape.triggers]) db.prepare(sql).run();
  copySequence(db, shape.name);
  rebuildSearchIndexes(db, shape.name);
  return { name: shape.name, rows: compareRows(db, shape.name) };
}

function copyRows(db: Database.Database, { name, columns, rowid }: TableShape): void {
  const list = [...(rowid === undefined ? [] : [rowid]), ...columns.map(quoteName)].join(', ');
  const table = quoteName(name);
  db.prepare(`INSERT INTO main.${table}(${list}) SELECT ${list} FROM ${backup}.${table}`).run();
}

function copyShadows(db: Database.Database, { shadows }: TableShape): void {
  for (const shadow of shadows.map(quoteName)) {
    db.prepare(`DELETE FROM main.${shadow}`).run();
    db.prepare(`INSERT INTO main.${shadow} SELECT * FROM ${backup}.${shadow}`).run();
  }
}

function copySequence(db: Database.Database, table: string): void {
  const known = db.prepare(`SELECT 1 FROM ${backup}.sqlite_schema WHERE name = 'sqlite_sequence'`).get();
  if (known === undefined) return;
  const row = db.prepare<[string], { seq: number }>(`SELECT seq FROM ${backup}.sqlite_sequence WHERE name = ?`);
  const found = row.safeIntegers().get(table);
  if (found === undefined) return;
  db.prepare('DELETE FROM main.sqlite_sequence WHERE name = ?').run(table);
  db.prepare('INSERT INTO main.sqlite_sequence(name, seq) VALUES (?, ?)').run(table, found.seq);
}

/** A full-text index over this table's content is part of it, and would go on answering from the old rows. */
function rebuildSearchIndexes(db: Database.Database, table: string): void {
  const indexes = db
    .prepare<[], { name: string; sql: string }>(
      "SELECT name, sql FROM main.sqlite_schema WHERE type = 'table' AND sql LIKE 'CREATE VIRTUAL TABLE%fts5%'",
    )
    .all()
    .filter(({ sql }) => contentTableOf(sql) === table.toLowerCase());
  for (const index of indexes.map(({ name }) => quoteName(name))) {
    db.prepare(`INSERT INTO main.${index}(${index}) VALUES ('rebuild')`).run();
  }
}

function contentTableOf(sql: string): string | undefined {
  const [, quoted] = /\bcontent\s*=\s*('[^']*'|"[^"]*"|[\w$]+)/i.exec(sql) ?? [];
  return quoted?.replace(/^['"]|['"]$/g, '').toLowerCase();
}

function compareRows(db: Database.Database, table: string): number {
  const count = (schema: string): number =>
    db.prepare<[], { n: number }>(`SELECT count(*) AS n FROM ${schema}.${quoteName(table)}`).get()?.n ?? 0;
  const [copied, wanted] = [count('main'), count(backup)];
  if (copied === wanted) return copied;
  throw new DbopsError('VERIFY_FAILED', `table ${JSON.stringify(table)} got ${copied} of ${wanted} rows`, {
    hint: 'Nothing was changed. Restore the whole backup into another file and look at the difference.',
  });
}
