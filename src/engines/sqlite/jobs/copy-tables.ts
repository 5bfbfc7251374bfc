import { chmodSync, chownSync, closeSync, openSync, statSync, unlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'better-sqlite3';
import { DbopsError, messageOf } from '../../../core/errors.ts';
import { foreignKeyWarnings } from './foreign-keys.ts';
import type { CopyTablesInput, OnProgress, TablesOutput } from './job.ts';
import { linkFree, syncPath } from './keep-file.ts';
import { lostParts } from './lost-parts.ts';
import { quoteName } from './quote.ts';
import { contentTableOf, rebuildSearchIndex, rebuildSearchIndexes } from './search-indexes.ts';
import { explainCopy, explainSqlite } from './sqlite-error.ts';
import { shapeOf, type TableShape } from './table-shape.ts';

const backup = 'dbops_backup';

/**
 * Copies whole tables (definition, rows, indexes, triggers) out of a restored copy into a database, in one
 * transaction of that database. Before a table is overwritten, the whole database is kept beside it, as it is once
 * nobody else can write: what is committed up to then is either in the kept copy or still there.
 */
export async function copyTables(input: CopyTablesInput, onProgress: OnProgress): Promise<TablesOutput> {
  try {
    const db = new Database(input.into, { timeout: input.lockTimeoutMs });
    try {
      prepare(db, input);
      // What indexes other tables comes after them.
      const shapes = [...new Set(input.tables)]
        .map((table) => shapeOf(db, backup, table))
        .toSorted((a, b) => a.kind.localeCompare(b.kind));
      db.exec('BEGIN IMMEDIATE');
      const taken = refuseTaken(db, shapes, input.overwrite);
      if (taken) await copyDatabase(input, onProgress);
      const warnings = shapes.flatMap(({ name }) => lostParts(db, backup, name));
      const tables = shapes.map((shape) => copyTable(db, shape, warnings));
      const kept = commit(db, () => (taken ? keepCopy(input) : null));
      return { tables, kept, warnings: [...warnings, ...pointersToNothing(db)] };
    } finally {
      db.close();
    }
  } catch (error) {
    throw explainSqlite(error, input.into);
  }
}

/** A copy that was kept for nothing only makes people look for what has changed, so it gets its name at the very end. */
function commit(db: Database.Database, keep: () => string | null): string | null {
  const kept = keep();
  try {
    db.exec('COMMIT');
    return kept;
  } catch (error) {
    if (kept !== null) unlinkSync(kept);
    throw error;
  }
}

/** The tables are there by now: what fails here must not hide where the old ones are kept. */
function pointersToNothing(db: Database.Database): string[] {
  try {
    // Or a parent table that is missing here would be found there.
    db.exec(`DETACH ${backup}`);
    return foreignKeyWarnings(db);
  } catch (error) {
    return [`foreign keys cannot be checked: ${messageOf(error)}`];
  }
}

function prepare(db: Database.Database, { from }: CopyTablesInput): void {
  // Inside a virtual table there are tables that only this mode lets us fill.
  db.unsafeMode(true);
  db.pragma('trusted_schema = OFF');
  // Dropping a table under enforcement deletes its rows first, and with them the rows that refer to it.
  db.pragma('foreign_keys = OFF');
  db.pragma('recursive_triggers = OFF');
  // Rows older than a rule of their table come back as they were.
  db.pragma('ignore_check_constraints = ON');
  if (isNew(db)) matchEncoding(db, from);
  attach(db, from);
}

function attach(db: Database.Database, from: string): void {
  try {
    db.prepare(`ATTACH ? AS ${backup}`).run(from);
  } catch (error) {
    if (!/same text encoding/.test(messageOf(error))) throw explainCopy(error, from);
    const encoding = String(db.pragma('encoding', { simple: true }));
    throw new DbopsError('REFUSED', `${db.name} has another text encoding (${encoding}) than the backup`, {
      hint: 'Write the tables as SQL with --as-sql, and replay that with the sqlite3 program.',
      cause: error,
    });
  }
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

/** True when tables will be overwritten, which was allowed. */
function refuseTaken(db: Database.Database, shapes: readonly TableShape[], overwrite: boolean): boolean {
  const taken = shapes.flatMap(({ name }) => {
    const type = typeOf(db, name);
    if (type === 'table' || type === undefined) return type === undefined ? [] : [name];
    throw new DbopsError('REFUSED', `${JSON.stringify(name)} is ${type === 'view' ? 'a view' : 'an index'} there`, {
      hint: 'Restore into another file, or drop it first if the table has to come in its place.',
    });
  });
  if (taken.length > 0 && !overwrite) throw tablesExist(taken);
  for (const shape of shapes) refuseTakenNames(db, shape);
  return taken.length > 0;
}

function typeOf(db: Database.Database, name: string): string | undefined {
  const statement = db.prepare<[string], { type: string }>(
    "SELECT type FROM main.sqlite_schema WHERE name = ? COLLATE NOCASE AND type <> 'trigger'",
  );
  return statement.get(name)?.type;
}

/** Names of indexes and triggers are unique in a database; those of the table itself go with it. */
function refuseTakenNames(db: Database.Database, { name: table }: TableShape): void {
  const clash = db
    .prepare<[string, string], { type: string; name: string; owner: string }>(
      `SELECT theirs.type, theirs.name, theirs.tbl_name AS owner
       FROM ${backup}.sqlite_schema AS ours JOIN main.sqlite_schema AS theirs ON ours.name = theirs.name COLLATE NOCASE
       WHERE ours.tbl_name = ? COLLATE NOCASE AND ours.type IN ('index', 'trigger') AND ours.sql IS NOT NULL
         AND (ours.type = 'trigger') = (theirs.type = 'trigger') AND theirs.tbl_name <> ? COLLATE NOCASE`,
    )
    .get(table, table);
  if (clash === undefined) return;
  const [name, owner] = [clash.name, clash.owner].map((text) => JSON.stringify(text));
  const there = clash.name === clash.owner ? `${clash.type} ${name}` : `${clash.type} ${name} of ${owner}`;
  throw new DbopsError('REFUSED', `table ${JSON.stringify(table)} needs a name that ${there} has there`, {
    hint: 'Rename that one, or restore the table into another file.',
  });
}

function tablesExist(taken: readonly string[]): DbopsError {
  const names = taken.map((name) => JSON.stringify(name)).join(', ');
  return new DbopsError('REFUSED', `${taken.length === 1 ? 'table' : 'tables'} ${names} exist there already`, {
    hint: 'Add --overwrite (a copy of the database is kept first), or restore into another file and compare.',
  });
}

/** Through a second connection, because the one that holds the write lock cannot be copied from. */
async function copyDatabase(input: CopyTablesInput, onProgress: OnProgress): Promise<void> {
  const { mode, uid, gid } = statSync(input.into);
  closeSync(openSync(input.keepVia, 'wx', 0o600));
  const db = new Database(input.into, { timeout: input.lockTimeoutMs });
  try {
    const pageSize = Number(db.pragma('page_size', { simple: true }));
    await db.backup(input.keepVia, {
      progress: ({ totalPages, remainingPages }) => {
        onProgress((totalPages - remainingPages) * pageSize, totalPages * pageSize);
        return 0x7fff_ffff;
      },
    });
  } finally {
    db.close();
  }
  chmodSync(input.keepVia, mode & 0o7777);
  const own = statSync(input.keepVia);
  if (own.uid !== uid || own.gid !== gid) chownSync(input.keepVia, uid, gid);
  syncPath(input.keepVia);
}

function keepCopy({ keepVia, keepAs }: CopyTablesInput): string {
  const kept = linkFree(keepVia, keepAs);
  try {
    syncPath(dirname(kept));
    return kept;
  } catch (error) {
    unlinkSync(kept);
    throw error;
  }
}

function copyTable(db: Database.Database, shape: TableShape, warnings: string[]): { name: string; rows: number } {
  const name = quoteName(shape.name);
  db.prepare(`DROP TABLE IF EXISTS main.${name}`).run();
  // `prepare` takes exactly one statement: a definition from a hostile file cannot bring a second one along.
  db.prepare(shape.sql).run();
  const content = shape.kind === 'virtual' ? contentTableOf(shape.sql) : undefined;
  if (content !== undefined && content !== '') return { name: shape.name, rows: indexContent(db, shape.name, content) };
  if (shape.kind === 'virtual') copyShadows(db, shape);
  else copyRows(db, shape);
  for (const sql of [...shape.indexes, ...shape.triggers]) db.prepare(sql).run();
  copySequence(db, shape);
  const rows = compareRows(db, shape.name);
  rebuildSearchIndexes(db, shape.name, warnings);
  return { name: shape.name, rows };
}

/** An index over another table has to fit the rows that are there, not those that were in the backup. */
function indexContent(db: Database.Database, index: string, content: string): number {
  if (typeOf(db, content) === undefined) {
    throw new DbopsError('REFUSED', `${JSON.stringify(index)} indexes ${JSON.stringify(content)}, which is not there`, {
      hint: `Restore both: --table ${content} --table ${index}.`,
    });
  }
  rebuildSearchIndex(db, index);
  return countRows(db, 'main', index);
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

function copySequence(db: Database.Database, { name, sequence }: TableShape): void {
  if (sequence === undefined) return;
  db.prepare('DELETE FROM main.sqlite_sequence WHERE name = ?').run(name);
  db.prepare('INSERT INTO main.sqlite_sequence(name, seq) VALUES (?, ?)').run(name, sequence);
}

function compareRows(db: Database.Database, table: string): number {
  const [copied, wanted] = [countRows(db, 'main', table), countRows(db, backup, table)];
  if (copied === wanted) return copied;
  throw new DbopsError('VERIFY_FAILED', `table ${JSON.stringify(table)} got ${copied} of ${wanted} rows`, {
    hint: 'Nothing was changed. Restore the whole backup into another file and look at the difference.',
  });
}

function countRows(db: Database.Database, schema: string, table: string): number {
  return db.prepare<[], { n: number }>(`SELECT count(*) AS n FROM ${schema}.${quoteName(table)}`).get()?.n ?? 0;
}
