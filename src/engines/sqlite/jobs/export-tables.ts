import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import Database from 'better-sqlite3';
import type { ExportTablesInput, TablesOutput } from './job.ts';
import { quoteName } from './quote.ts';
import { explainSqlite } from './sqlite-error.ts';
import { literal } from './sql-literal.ts';
import { shapeOf, type TableShape } from './table-shape.ts';

const flushAt = 1 << 20;

/** Writes tables as one SQL script in one transaction: definition, rows one a line, indexes, triggers. */
export function exportTables(input: ExportTablesInput): TablesOutput {
  try {
    const db = new Database(input.from, { readonly: true, fileMustExist: true });
    const out = openScript(input.file);
    try {
      db.pragma('trusted_schema = OFF');
      for (const comment of input.comments) out.line(`-- ${comment.replace(/[\r\n]+/g, ' ')}`);
      out.line('PRAGMA foreign_keys = OFF;');
      out.line('BEGIN;');
      const shapes = input.tables.map((table) => shapeOf(db, 'main', table));
      const tables = shapes.map((shape) => ({ name: shape.name, rows: writeTable(db, shape, out.line) }));
      out.line('COMMIT;');
      return { tables, kept: null, warnings: [] };
    } finally {
      out.close();
      db.close();
    }
  } catch (error) {
    throw explainSqlite(error, input.from);
  }
}

interface Script {
  readonly line: (text: string) => void;
  readonly close: () => void;
}

function openScript(file: string): Script {
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
  line('');
  line(`${shape.sql};`);
  const columns = [...writableRowid(shape), ...shape.columns.map(quoteName)];
  const insert = `INSERT INTO ${quoteName(shape.name)}(${columns.join(', ')}) VALUES`;
  let rows = 0;
  for (const values of readRows(db, shape.name, columns)) {
    line(`${insert}(${values.join(', ')});`);
    rows += 1;
  }
  for (const sql of [...shape.indexes, ...shape.triggers]) line(`${sql};`);
  return rows;
}

function writableRowid({ kind, rowid }: TableShape): string[] {
  if (kind === 'virtual') return ['rowid'];
  return rowid === undefined ? [] : [rowid];
}

/** Yields rows as literals. Texts are also read as bytes, because a text need not be valid in its encoding. */
function* readRows(db: Database.Database, table: string, columns: readonly string[]): Generator<string[]> {
  const terms = columns.flatMap((column) => [column, `CASE typeof(${column}) WHEN 'text' THEN hex(${column}) END`]);
  const statement = db.prepare<[], readonly unknown[]>(`SELECT ${terms.join(', ')} FROM ${quoteName(table)}`);
  for (const row of statement.raw().safeIntegers().iterate()) {
    yield columns.map((_, index) => literal(row[2 * index], row[2 * index + 1]));
  }
}
