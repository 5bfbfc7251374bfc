import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  openSync,
  readSync,
  renameSync,
  statSync,
  unlinkSync,
} from 'node:fs';
import { dirname } from 'node:path';
import Database from 'better-sqlite3';
import { DbopsError, hasCode } from '../../../core/errors.ts';
import type { PromoteInput, PromoteOutput } from './job.ts';
import { linkFree, placeFree, sidecars, syncPath } from './keep-file.ts';
import { explainSqlite } from './sqlite-error.ts';

/**
 * Puts a proven copy in the destination's place by one rename. The old database stays under another name from before
 * the rename on, and is one whole file by then, so that at every moment a kill leaves a whole database under the
 * destination's name.
 */
export function promote(input: PromoteInput): PromoteOutput {
  try {
    prepareStaged(input);
    if (!existsSync(input.destination)) return placeNew(input);
    const { ino, nlink } = statSync(input.destination, { bigint: true });
    const state = quieten(input);
    const warnings = [...openWarnings(input, state), ...linkWarnings(input.destination, nlink)];
    inheritRights(input);
    const kept = keepOld(input, state, ino);
    renameSync(input.staged, input.destination);
    syncPath(dirname(input.destination));
    return { kept, warnings };
  } catch (error) {
    throw explainSqlite(error, input.destination);
  }
}

function prepareStaged({ staged, wal }: PromoteInput): void {
  if (wal) {
    const db = new Database(staged, { fileMustExist: true });
    try {
      db.pragma('journal_mode = WAL');
    } finally {
      db.close();
    }
  }
  syncPath(staged);
}

function placeNew({ staged, destination }: PromoteInput): PromoteOutput {
  const stray = sidecars.map((suffix) => destination + suffix).find((path) => existsSync(path));
  if (stray !== undefined) {
    throw new DbopsError('REFUSED', `${stray} exists without its database`, {
      hint: 'SQLite would replay it into the restored file. Move it away, then run this again.',
    });
  }
  belongToFolder(staged, dirname(destination));
  try {
    placeFree(staged, destination);
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error;
    throw new DbopsError('REFUSED', `${destination} was created meanwhile`, {
      hint: 'Look what is there now, then run this again with --yes if it is to be replaced.',
    });
  }
  return { kept: null, warnings: [] };
}

/** What root restores for an application that lost its file would be of no use to it if it belonged to root. */
function belongToFolder(staged: string, folder: string): void {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = statSync(folder);
  chownSync(staged, uid, gid);
}

/** `quiet`: one whole file. `unsound`: no database that SQLite can read, which is why people restore. */
type OldState = 'quiet' | 'busy' | 'unsound' | 'unreadable';

/** Makes the old database one file, as far as others let us. */
function quieten({ destination, lockTimeoutMs }: PromoteInput): OldState {
  try {
    const db = new Database(destination, { fileMustExist: true, timeout: lockTimeoutMs });
    try {
      db.pragma('wal_checkpoint(TRUNCATE)');
      db.exec('BEGIN EXCLUSIVE');
      db.exec('ROLLBACK');
    } finally {
      db.close();
    }
    return 'quiet';
  } catch (error) {
    if (!(error instanceof Database.SqliteError)) throw error;
    if (/^SQLITE_(BUSY|LOCKED)/.test(error.code)) return 'busy';
    return /^SQLITE_(NOTADB|CORRUPT|IOERR)/.test(error.code) ? 'unsound' : 'unreadable';
  }
}

/**
 * Finds out whether anybody else uses the old database: after a checkpoint the last connection to close removes `-wal`
 * and `-shm`, so when they are still there, it was not the last.
 */
function openWarnings({ destination, allowOpen, used }: PromoteInput, state: OldState): string[] {
  const shared = state !== 'unsound' && existsSync(`${destination}-shm`);
  if (state !== 'busy' && !shared && !used) return [];
  if (!allowOpen) throw inUse(destination);
  return [`another process still has the old database open; restart it, or it goes on writing to the kept copy`];
}

function linkWarnings(destination: string, links: bigint): string[] {
  if (links < 2n) return [];
  return [`${destination} had ${links} hard links; only this name was replaced, the others still lead to the old file`];
}

function inUse(destination: string): DbopsError {
  return new DbopsError('REFUSED', `another process uses ${destination}`, {
    hint: 'Stop the application and run this again, or add --allow-open and restart the application afterwards.',
  });
}

function inheritRights({ staged, destination }: PromoteInput): void {
  const { mode, uid, gid } = statSync(destination);
  chmodSync(staged, mode & 0o7777);
  const own = statSync(staged);
  if (own.uid !== uid || own.gid !== gid) chownSync(staged, uid, gid);
}

function keepOld({ destination, keepAs }: PromoteInput, state: OldState, ino: bigint): string {
  const kept = linkFree(destination, keepAs);
  try {
    // Another restore, or a deployment: replacing its work would leave nobody with a copy of it.
    if (statSync(destination, { bigint: true }).ino !== ino) throw replacedMeanwhile(destination);
    refuseInPieces(destination, state);
  } catch (error) {
    unlinkSync(kept);
    throw error;
  }
  // They belong to the old database, and would be replayed into the restored file if they stayed. A kill between here
  // and the rename leaves it whole without them: they hold nothing of it, or it is no sound database any more.
  for (const suffix of sidecars) {
    if (existsSync(destination + suffix)) renameSync(destination + suffix, kept + suffix);
  }
  syncPath(dirname(destination));
  return kept;
}

function replacedMeanwhile(destination: string): DbopsError {
  return new DbopsError('REFUSED', `${destination} was replaced by another program meanwhile`, {
    hint: 'Look what is there now, then run this again if it is still to be replaced.',
  });
}

/** A log that others keep from being emptied, or a transaction that is half in the file: two files, but one rename. */
function refuseInPieces(destination: string, state: OldState): void {
  if (state === 'unsound') return;
  const piece = pieceOf(destination, state);
  if (piece === undefined) return;
  throw new DbopsError('REFUSED', `${piece} holds a part of the database, because another process uses it`, {
    hint: 'Stop the application, then run this again. Not even --allow-open can replace a database in two pieces.',
  });
}

function pieceOf(destination: string, state: OldState): string | undefined {
  const [log, journal] = [`${destination}-wal`, `${destination}-journal`];
  if ((statSync(log, { throwIfNoEntry: false })?.size ?? 0) > 0) return log;
  // Without a lock on it, a journal is one that PRAGMA journal_mode=PERSIST keeps, unless its first byte is set.
  const pending = state === 'busy' ? existsSync(journal) : firstByteOf(journal) > 0;
  return pending ? journal : undefined;
}

function firstByteOf(path: string): number {
  if (!existsSync(path)) return 0;
  const handle = openSync(path, 'r');
  try {
    const first = Buffer.alloc(1);
    readSync(handle, first);
    return first.readUInt8();
  } finally {
    closeSync(handle);
  }
}
