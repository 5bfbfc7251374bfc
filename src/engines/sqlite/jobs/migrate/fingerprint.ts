import { createHash } from 'node:crypto';
import type Database from 'better-sqlite3';
import { explaining, reading } from './connection.ts';
import type { LedgerPlace } from './job.ts';
import { logOf } from './ledger-table.ts';

/** A digest of all definitions but the ledger's, and but what SQLite makes for itself. */
export function fingerprint(place: LedgerPlace): string {
  return explaining(place.path, () => reading(place, (db) => digestSchema(db, place.table)));
}

export function digestSchema(db: Database.Database, table: string): string {
  const hash = createHash('sha256');
  const rows = db
    .prepare(
      `SELECT type, name, tbl_name, sql FROM sqlite_schema
       WHERE lower(tbl_name) NOT IN (lower(?), lower(?)) AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY type, name`,
    )
    .raw();
  for (const row of rows.iterate(table, logOf(table))) hash.update(`${JSON.stringify(row)}\n`);
  return `sqlite:${hash.digest('hex')}`;
}
