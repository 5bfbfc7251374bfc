import type Database from 'better-sqlite3';
import { messageOf } from '../../../core/errors.ts';
import { tableNames } from './facts.ts';
import { quoteName } from './quote.ts';

interface Violation {
  readonly table: string;
  readonly parent: string;
}

interface ForeignKey {
  readonly id: number;
  readonly seq: number;
  readonly table: string;
  readonly from: string;
  readonly to: string | null;
}

/** One line for every pair of tables whose rows point at rows that do not exist. */
export function foreignKeyWarnings(db: Database.Database): string[] {
  return tableNames(db).flatMap((table) => warningsOf(db, table));
}

function warningsOf(db: Database.Database, table: string): string[] {
  try {
    if (isPlainlySound(db, table)) return [];
    const counts = new Map<string, number>();
    const statement = db.prepare<[], Violation>(`PRAGMA foreign_key_check(${quoteName(table)})`);
    for (const { parent } of statement.iterate()) counts.set(parent, (counts.get(parent) ?? 0) + 1);
    return [...counts].map(
      ([parent, rows]) =>
        `${rows} ${rows === 1 ? 'row' : 'rows'} of ${name(table)} point to nothing in ${name(parent)}`,
    );
  } catch (error) {
    return [`foreign keys of ${name(table)} cannot be checked: ${messageOf(error)}`];
  }
}

/**
 * The common case made quick: SQLite's own check looks up the parent of every row in the order of the children; asking
 * an index for the distinct values first needs each parent once and in order. Only a plain yes counts; any doubt goes
 * to SQLite's check.
 */
function isPlainlySound(db: Database.Database, table: string): boolean {
  const keys = db.pragma(`foreign_key_list(${quoteName(table)})`) as readonly ForeignKey[];
  return keys.every((key) => {
    const composite = keys.some((other) => other.id === key.id && other.seq > 0);
    const parentKey = composite ? undefined : integerKey(db, key.table);
    if (parentKey === undefined || (key.to !== null && key.to !== parentKey)) return false;
    const [child, parent, column, parentColumn] = [table, key.table, key.from, parentKey].map(quoteName);
    // Among NULLs, which a primary key may hold when it is not the rowid, nothing is ever "not in".
    const orphan = db.prepare(
      `SELECT 1 FROM (SELECT DISTINCT ${column} AS v FROM ${child} WHERE ${column} IS NOT NULL)
       WHERE typeof(v) <> 'integer' OR v NOT IN (SELECT ${parentColumn} FROM ${parent} WHERE ${parentColumn} IS NOT NULL)
       LIMIT 1`,
    );
    return orphan.get() === undefined;
  });
}

/** A single primary key declared exactly INTEGER, which nearly always is the rowid. */
function integerKey(db: Database.Database, table: string): string | undefined {
  const columns = db.pragma(`table_info(${quoteName(table)})`) as readonly { name: string; type: string; pk: number }[];
  const [key, ...more] = columns.filter(({ pk }) => pk > 0);
  return key?.type.toUpperCase() === 'INTEGER' && more.length === 0 ? key.name : undefined;
}

function name(table: string): string {
  return JSON.stringify(table);
}
