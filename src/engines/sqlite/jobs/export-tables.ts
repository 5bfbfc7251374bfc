import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import Database from 'better-sqlite3';
import { DbopsError } from '../../../core/errors.ts';
import type { ExportTablesInput, TablesOutput } from './job.ts';
import { quoteName, quoteText } from './quote.ts';
import { contentTableOf } from './search-indexes.ts';
import { literal, textLiteral } from './sql-literal.ts';
import { explainCopy } from './sqlite-error.ts';
import { shapeOf, type TableShape } from './table-shape.ts';
import { terminated } from './terminated.ts';

const flushAt = 1 << 20;
// Only the sqlite3 program goes on after an error, up to the COMMIT; its `.bail` would be an error anywhere else.
const howToReplay = 'replay it with: sqlite3 -bail FILE < THIS';

/** Writes tables as one SQL script in one transaction: definition, rows one a line, indexes, triggers. */
export function exportTables(input: ExportTablesInput): TablesOutput {
  try {
    const db = new Database(input.from, { readonly: true, fileMustExist: true });
    const out = openScript(input.file);
    try {
      db.pragma('trusted_schema = OFF');
      for (const comment of [...input.comments, howToReplay]) out.line(`-- ${comment.replace(/[\r\n]+/g, ' ')}`);
      const encoding = String(db.pragma('encoding', { simple: true }));
      // Without effect on a database that has tables already; those take every text that is valid.
      if (encoding !== 'UTF-8') out.line(`PRAGMA encoding = '${encoding}';`);
      out.line('PRAGMA foreign_keys = OFF;');
      // Rows older than a rule of their table come back as they were.
      out.line('PRAGMA ignore_check_constraints = ON;');
      out.line('BEGIN;');
      // What indexes other tables comes after them.
      const shapes = [...new Set(input.tables)]
        .map((table) => shapeOf(db, 'main', table))
        .toSorted((a, b) => a.kind.localeCompare(b.kind));
      const tables = shapes.map((shape) => ({ name: shape.name, rows: writeTable(db, shape, out.line) }));
      out.line('COMMIT;');
      out.line('PRAGMA ignore_check_constraints = OFF;');
      return { tables, kept: null, warnings: [] };
    } finally {
      out.close();
      db.close();
    }
  } catch (error) {
    throw explainCopy(error, input.from);
  }
}

function openScript(file: string): { line: (text: string) => void; close: () => void } {
  const handle = openSync(file, 'wx', 0o600);
  let pending = '';
  const flush = (): void => {
    const bytes = Buffer.from(pending);
    for (let at = 0; at < bytes.length;) at += writeSync(handle, bytes, at);
    pending = '';
  };
  return {
    line: (text) => {
      pending += `${text}\n`;
      if (pending.length > flushAt) flush();
    },
    close: () => {
      try {
        flush();
        fsyncSync(handle);
      } finally {
        closeSync(handle);
      }
    },
  };
}

function writeTable(db: Database.Database, shape: TableShape, line: (text: string) => void): number {
  if (shape.kind === 'virtual' && contentTableOf(shape.sql) === '') {
    throw new DbopsError('REFUSED', `${JSON.stringify(shape.name)} keeps no content that could be written as SQL`, {
      hint: 'It is a search index without its words. Restore it with --into instead.',
    });
  }
  line('');
  line(terminated(shape.sql));
  const columns = [...writableRowid(shape), ...shape.columns.map(quoteName)];
  const insert = `INSERT INTO ${quoteName(shape.name)}(${columns.join(', ')}) VALUES`;
  let rows = 0;
  for (const values of readRows(db, shape.name, columns)) {
    line(`${insert}(${values.join(', ')});`);
    rows += 1;
  }
  for (const sql of [...shape.indexes, ...shape.triggers]) line(terminated(sql));
  writeSequence(shape, line);
  return rows;
}

/** The next key of an AUTOINCREMENT table may be far beyond its last row. */
function writeSequence({ name, sequence }: TableShape, line: (text: string) => void): void {
  if (sequence === undefined) return;
  const text = quoteText(name);
  line(`DELETE FROM sqlite_sequence WHERE name = ${text};`);
  line(`INSERT INTO sqlite_sequence(name, seq) VALUES(${text}, ${sequence});`);
}

function writableRowid({ kind, rowid }: TableShape): string[] {
  if (kind === 'virtual') return ['rowid'];
  return rowid === undefined ? [] : [rowid];
}

/**
 * Yields rows as literals. Texts are read as the hex of their bytes, because a text need not be valid in its encoding;
 * one term a column, because the widest table has as many columns as a query may have.
 */
function* readRows(db: Database.Database, table: string, columns: readonly string[]): Generator<string[]> {
  const encoding = String(db.pragma('encoding', { simple: true }));
  const terms = columns.map((column) => `CASE typeof(${column}) WHEN 'text' THEN hex(${column}) ELSE ${column} END`);
  const statement = db.prepare<[], readonly unknown[]>(`SELECT ${terms.join(', ')} FROM ${quoteName(table)}`);
  for (const row of statement.raw().safeIntegers().iterate()) {
    yield row.map((value) =>
      typeof value === 'string' ? textLiteral(Buffer.from(value, 'hex'), encoding) : literal(value),
    );
  }
}
