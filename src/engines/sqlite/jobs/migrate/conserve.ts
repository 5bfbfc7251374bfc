import type Database from 'better-sqlite3';
import { DbopsError } from '../../../../core/errors.ts';
import { isForeign } from '../facts.ts';
import { foreignKeyWarnings } from '../foreign-keys.ts';
import { quoteName } from '../quote.ts';
import { explaining, reading } from './connection.ts';
import type { LedgerPlace, RunInput } from './job.ts';
import { ownTables } from './ledger-table.ts';

export interface Contents {
  /** Rows by table; a table that cannot be counted here is absent. */
  readonly rows: ReadonlyMap<string, number>;
  /** Rows that point to nothing, by the pair of tables. */
  readonly orphans: ReadonlyMap<string, number>;
}

/** What is broken in the database, whoever did it. */
export function inspectContents(place: LedgerPlace): readonly string[] {
  return explaining(place.path, () => reading(place, foreignKeyWarnings));
}

export function readContents(db: Database.Database, { table }: RunInput): Contents {
  const rows = new Map<string, number>();
  for (const name of ownTables(db, table)) {
    const count = countRows(db, name);
    if (count !== undefined) rows.set(name, count);
  }
  return { rows, orphans: countOrphans(db) };
}

/**
 * Refuses what a script lost without saying so, while it can still be undone: rows of a table that it does not delete from
 * by name, as a rebuild loses them whose DROP TABLE cascades, and references to rows that are gone.
 * @throws DbopsError MIGRATION_FAILED
 */
export function refuseLosses(before: Contents, after: Contents, { file, mayLoseRows }: RunInput): void {
  const lost = [...before.rows].flatMap(([name, count]) => {
    const left = after.rows.get(name);
    if (left === undefined || left >= count || mayLoseRows.includes(name.toLowerCase())) return [];
    return [`${JSON.stringify(name)} had ${count} rows and would have ${left}`];
  });
  if (lost.length > 0) {
    throw new DbopsError('MIGRATION_FAILED', `${file} would lose rows: ${lost.join('; ')}`, {
      hint: 'Nothing of this file is in the database. If that is meant, delete them by name or write `-- dbops: may-lose-rows <table>` into its first line.',
    });
  }
  const broken = [...after.orphans].filter(([pair, count]) => count > (before.orphans.get(pair) ?? 0));
  if (broken.length === 0) return;
  const told = broken.map(([pair, count]) => `${count - (before.orphans.get(pair) ?? 0)} rows of ${pair}`);
  throw new DbopsError('MIGRATION_FAILED', `${file} would break foreign keys: ${told.join('; ')} that is not there`, {
    hint: 'Nothing of this file is in the database. Change or delete those rows too: foreign keys are off while a migration runs, so nothing cascades.',
  });
}

function countRows(db: Database.Database, name: string): number | undefined {
  try {
    return db.prepare<[], { n: number }>(`SELECT count(*) AS n FROM ${quoteName(name)}`).get()?.n;
  } catch (error) {
    if (isForeign(error)) return undefined;
    throw error;
  }
}

function countOrphans(db: Database.Database): Map<string, number> {
  const orphans = new Map<string, number>();
  const check = db.prepare<[], { table: string; parent: string }>('PRAGMA foreign_key_check');
  try {
    for (const { table, parent } of check.iterate()) {
      const pair = `${JSON.stringify(table)} point to a row of ${JSON.stringify(parent)}`;
      orphans.set(pair, (orphans.get(pair) ?? 0) + 1);
    }
  } catch (error) {
    // A key whose parent has no such unique column: SQLite itself refuses such tables only when they are written to.
    if (!/foreign key mismatch/.test(String(error)) && !isForeign(error)) throw error;
  }
  return orphans;
}
