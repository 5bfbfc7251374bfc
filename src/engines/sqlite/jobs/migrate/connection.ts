import { existsSync } from 'node:fs';
import Database from 'better-sqlite3';
import { DbopsError } from '../../../../core/errors.ts';
import { explainSqlite } from '../sqlite-error.ts';
import type { LedgerPlace } from './job.ts';

/** Opening a database with thousands of tables takes longer than a small migration. */
let kept: { readonly path: string; readonly db: Database.Database } | undefined;

/** The connection that writes, the same one for every job until it is closed. */
export function writable({ path, lockTimeoutMs, create }: LedgerPlace): Database.Database {
  if (kept?.path === path) return kept.db;
  closeWritable();
  const db = new Database(path, { fileMustExist: !create, timeout: lockTimeoutMs });
  kept = { path, db };
  return db;
}

/** What a script has set for its connection, or attached to it, goes with it. */
export function closeWritable(): void {
  kept?.db.close();
  kept = undefined;
}

/** Reads with the connection that writes where there is one, else with one that cannot. */
export function reading<T>({ path, lockTimeoutMs, create }: LedgerPlace, read: (db: Database.Database) => T): T {
  if (kept?.path === path) return read(kept.db);
  const db = create && !existsSync(path) ? new Database(':memory:') : openReadOnly(path, lockTimeoutMs);
  try {
    return read(db);
  } finally {
    db.close();
  }
}

function openReadOnly(path: string, timeout: number): Database.Database {
  return new Database(path, { readonly: true, fileMustExist: true, timeout });
}

/** Does work in our words for what SQLite says against it. */
export function explaining<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof Database.SqliteError) || !error.code.startsWith('SQLITE_BUSY'))
      throw explainSqlite(error, path);
    throw new DbopsError('LOCKED', `${path} is locked by another program that writes`, {
      hint: 'Run this again, or give it more time with --lock-wait.',
      cause: error,
    });
  }
}
