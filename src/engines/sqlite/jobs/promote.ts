import { chmodSync, chownSync, existsSync, linkSync, renameSync, statSync, unlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'better-sqlite3';
import { DbopsError, hasCode } from '../../../core/errors.ts';
import type { PromoteInput, PromoteOutput } from './job.ts';
import { linkFree, sidecars, syncPath } from './keep-file.ts';
import { explainSqlite } from './sqlite-error.ts';

/**
 * Puts a proven copy in the destination's place by one rename. The old database stays under another name from before
 * the rename on, so that at every moment a kill leaves a whole database under the destination's name.
 */
export function promote(input: PromoteInput): PromoteOutput {
  try {
    prepareStaged(input);
    if (!existsSync(input.destination)) return placeNew(input);
    const { ino } = statSync(input.destination, { bigint: true });
    const warnings = quieten(input);
    inheritRights(input);
    const kept = keepOld(input, ino);
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

// A link fails where a rename would overwrite what somebody created since we looked.
function placeNew({ staged, destination }: PromoteInput): PromoteOutput {
  const stray = sidecars.map((suffix) => destination + suffix).find((path) => existsSync(path));
  if (stray !== undefined) {
    throw new DbopsError('REFUSED', `${stray} exists without its database`, {
      hint: 'SQLite would replay it into the restored file. Move it away, then run this again.',
    });
  }
  try {
    linkSync(staged, destination);
  } catch (error) {
    if (hasCode(error, 'EEXIST')) throw new DbopsError('REFUSED', `${destination} was created meanwhile`);
    throw error;
  }
  unlinkSync(staged);
  syncPath(dirname(destination));
  return { kept: null, warnings: [] };
}

/**
 * Makes the old database one file, and finds out whether anybody else uses it: after a checkpoint the last connection
 * to close removes `-wal` and `-shm`, so when they are still there, it was not the last.
 */
function quieten({ destination, allowOpen, lockTimeoutMs }: PromoteInput): string[] {
  try {
    const db = new Database(destination, { fileMustExist: true, timeout: lockTimeoutMs });
    try {
      db.pragma('wal_checkpoint(TRUNCATE)');
      db.exec('BEGIN EXCLUSIVE');
      db.exec('ROLLBACK');
    } finally {
      db.close();
    }
  } catch (error) {
    if (!(error instanceof Database.SqliteError)) throw error;
    // What is not a sound database any more is moved aside as it stands: it is why people restore.
    if (!/^SQLITE_(BUSY|LOCKED)/.test(error.code)) return [];
    if (!allowOpen) throw inUse(destination);
  }
  if (!existsSync(`${destination}-shm`)) return [];
  if (!allowOpen) throw inUse(destination);
  return [`another process still has the old database open; restart it, or it goes on writing to the kept copy`];
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

function keepOld({ destination, keepAs }: PromoteInput, ino: bigint): string {
  const kept = linkFree(destination, keepAs);
  // Another restore, or a deployment: replacing its work would leave nobody with a copy of it.
  if (statSync(destination, { bigint: true }).ino !== ino) {
    unlinkSync(kept);
    throw new DbopsError('REFUSED', `${destination} was replaced by another program meanwhile`, {
      hint: 'Look what is there now, then run this again if it is still to be replaced.',
    });
  }
  // Only a database that could not be quietened still has these. They belong to it, and would be replayed into the
  // restored file if they stayed.
  for (const suffix of sidecars) {
    if (existsSync(destination + suffix)) renameSync(destination + suffix, kept + suffix);
  }
  syncPath(dirname(destination));
  return kept;
}
