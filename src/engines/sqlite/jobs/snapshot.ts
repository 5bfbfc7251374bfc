import { closeSync, existsSync, openSync, statSync } from 'node:fs';
import Database from 'better-sqlite3';
import { DbopsError } from '../../../core/errors.ts';
import type { OnProgress, SnapshotInput, SnapshotOutput } from './job.ts';
import { explainCopy, explainSqlite } from './sqlite-error.ts';

const sliceBytes = 32 << 20;
const everything = 0x7fff_ffff;
// Longer than this, and writers of a database without a write-ahead log have noticed.
const noticeableMs = 2_000;

/**
 * Copies one snapshot by the online backup API. The copy runs under a read transaction of its own connection: in WAL
 * mode this pins the snapshot, so that no writer can make the copy start over; with a rollback journal it holds
 * writers off, so there it goes in one step.
 */
export async function takeSnapshot(input: SnapshotInput, onProgress: OnProgress): Promise<SnapshotOutput> {
  try {
    const db = openSource(input);
    try {
      const started = Date.now();
      const wal = await copyPinned(db, input, onProgress);
      const warnings = wal ? [] : blockedWriters(Date.now() - started);
      const version = db.prepare<[], { v: string }>('SELECT sqlite_version() AS v').get();
      settleCopy(input.copy);
      return { bytes: statSync(input.copy).size, sqliteVersion: version?.v ?? 'unknown', warnings };
    } finally {
      db.close();
    }
  } catch (error) {
    throw explainSqlite(error, input.source);
  }
}

/** Switches a copy off WAL mode, so that it is one file that is whole in itself. */
export function settleCopy(path: string): void {
  const db = new Database(path, { fileMustExist: true });
  try {
    db.pragma('trusted_schema = OFF');
    refuseShort(db, path);
    const mode: unknown = db.pragma('journal_mode = DELETE', { simple: true });
    if (mode !== 'delete') throw new Error(`journal mode of the copy is ${String(mode)}`);
  } catch (error) {
    throw explainCopy(error, path);
  } finally {
    db.close();
  }
}

/**
 * Opens without leaving a trace. A read-only connection that is the last to close leaves `-wal` and `-shm` behind, so
 * where there were none it opens for writing (and writes nothing), which removes them again. Where there is one, it
 * stays read-only, because closing for writing would move the log's content into the database.
 */
function openSource({ source, lockTimeoutMs }: SnapshotInput): Database.Database {
  const options = { fileMustExist: true, timeout: lockTimeoutMs };
  const untouched = !existsSync(`${source}-wal`) && !existsSync(`${source}-journal`);
  if (!untouched) {
    try {
      return pinned(new Database(source, { ...options, readonly: true }), lockTimeoutMs);
    } catch (error) {
      // A journal of a crashed writer: SQLite has to roll it back first, as any program that opens the file would.
      if (!(error instanceof Database.SqliteError) || !/^SQLITE_(READONLY|CANTOPEN)/.test(error.code)) throw error;
    }
  }
  try {
    return pinned(new Database(source, options), lockTimeoutMs);
  } catch (error) {
    if (!(error instanceof Database.SqliteError) || !/^SQLITE_(READONLY|CANTOPEN|PERM)/.test(error.code)) throw error;
    return pinned(new Database(source, { ...options, readonly: true }), lockTimeoutMs);
  }
}

function pinned(db: Database.Database, lockTimeoutMs: number): Database.Database {
  try {
    db.pragma('trusted_schema = OFF');
    db.exec('BEGIN');
    db.pragma('busy_timeout = 0');
    catchGap(() => db.prepare('SELECT count(*) FROM sqlite_schema').get(), lockTimeoutMs);
    db.pragma(`busy_timeout = ${lockTimeoutMs}`);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/**
 * SQLite waits by looking ten times a second. Beside a writer that never pauses, with a rollback journal, none of
 * these looks may fall between two of its commits, so this one looks as often as it can sleep.
 */
function catchGap(read: () => unknown, lockTimeoutMs: number): void {
  const deadline = Date.now() + lockTimeoutMs;
  const clock = new Int32Array(new SharedArrayBuffer(4));
  for (;;) {
    try {
      read();
      return;
    } catch (error) {
      const busy = error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY');
      if (!busy || Date.now() >= deadline) throw error;
    }
    Atomics.wait(clock, 0, 0, 1);
  }
}

async function copyPinned(db: Database.Database, input: SnapshotInput, onProgress: OnProgress): Promise<boolean> {
  const pageSize = Number(db.pragma('page_size', { simple: true }));
  const wal = db.pragma('journal_mode', { simple: true }) === 'wal';
  if (!wal || (statSync(`${input.source}-wal`, { throwIfNoEntry: false })?.size ?? 0) === 0)
    refuseShort(db, input.source);
  const slice = wal ? Math.max(1, Math.trunc(sliceBytes / pageSize)) : everything;
  let remaining = Number.POSITIVE_INFINITY;
  let movedAt = Date.now();
  // SQLite would make it readable for everybody.
  closeSync(openSync(input.copy, 'wx', 0o600));
  await db.backup(input.copy, {
    progress: ({ totalPages, remainingPages }) => {
      if (remainingPages < remaining) movedAt = Date.now();
      else if (Date.now() - movedAt > input.lockTimeoutMs) throw stuck(input.source);
      remaining = remainingPages;
      onProgress((totalPages - remainingPages) * pageSize, totalPages * pageSize);
      return slice;
    },
  });
  return wal;
}

/**
 * SQLite reads zeros where the last page of a file is cut off, and finds nothing wrong with them. While all pages are
 * in the file itself (no log with newer ones) it must be as long as they are.
 */
function refuseShort(db: Database.Database, path: string): void {
  const expected = Number(db.pragma('page_count', { simple: true })) * Number(db.pragma('page_size', { simple: true }));
  const { size } = statSync(path);
  if (size >= expected) return;
  throw new DbopsError('DAMAGED', `${path} is damaged: it has ${size} bytes, its pages take ${expected}`, {
    hint: 'The file was cut short. Restore the last good backup (`dbops list`), or copy it again.',
  });
}

function stuck(source: string): DbopsError {
  return new DbopsError('SOURCE_REFUSED', `${source} is locked by another connection`, {
    hint: 'A program holds a long transaction on it. Try again, or give it more time with lockTimeout in the config.',
  });
}

function blockedWriters(ms: number): string[] {
  if (ms < noticeableMs) return [];
  const seconds = (ms / 1000).toFixed(1);
  return [`writers had to wait ${seconds} s for the snapshot; in WAL mode (PRAGMA journal_mode=WAL) they would not`];
}
