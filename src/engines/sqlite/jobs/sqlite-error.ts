import Database from 'better-sqlite3';
import { DbopsError } from '../../../core/errors.ts';
import { fullDisk } from '../../../platform/file-error.ts';
import { isForeign } from './facts.ts';

/** Says in our words what SQLite reported about a file; what is not SQLite's passes unchanged. */
export function explainSqlite(error: unknown, path: string): unknown {
  const full = fullDisk(error, `cannot write beside ${path}`);
  if (full !== undefined) return full;
  if (!(error instanceof Database.SqliteError)) return error;
  const code = error.code.replace(/^(SQLITE_[A-Z]+).*$/, '$1');
  const details = { cause: error };
  switch (code) {
    case 'SQLITE_BUSY':
    case 'SQLITE_LOCKED':
      return new DbopsError('SOURCE_REFUSED', `${path} is locked by another connection`, {
        ...details,
        hint: 'A program holds a long transaction on it. Try again, or give it more time with lockTimeout in the config.',
      });
    case 'SQLITE_NOTADB':
      return new DbopsError('SOURCE_REFUSED', `${path} is not an SQLite database, or it is encrypted`, details);
    case 'SQLITE_CORRUPT':
      return new DbopsError('DAMAGED', `${path} is damaged: ${error.message}`, {
        ...details,
        hint: 'Restore the last good backup (`dbops list`), or salvage what is left with `sqlite3 file .recover`.',
      });
    case 'SQLITE_FULL':
      return new DbopsError('NO_SPACE', `no space left while writing beside ${path}`, {
        ...details,
        hint: 'Free space there, or name another place with --scratch-dir.',
      });
    case 'SQLITE_CANTOPEN':
    case 'SQLITE_READONLY':
    case 'SQLITE_PERM':
      return new DbopsError('SOURCE_REFUSED', `${path} cannot be opened: ${error.message}`, {
        ...details,
        hint: 'A database in WAL mode needs the right to write in its folder, for its -shm file. Check the rights.',
      });
    case 'SQLITE_IOERR':
      return new DbopsError('DAMAGED', `${path} cannot be read to its end: ${error.message} (${error.code})`, {
        ...details,
        hint: 'The file is shorter than it says, or the disk under it fails. Check the disk, then restore a backup.',
      });
    case 'SQLITE_CONSTRAINT':
      return new DbopsError('REFUSED', `the rows do not obey the rules of their own table: ${error.message}`, {
        ...details,
        hint: 'Nothing was changed. Restore the whole backup into another file, and look at those rows.',
      });
    case 'SQLITE_TOOBIG':
    case 'SQLITE_NOMEM':
      return new DbopsError(
        'SOURCE_REFUSED',
        `${path}: a value is too large for SQLite here: ${error.message}`,
        details,
      );
    default:
      return isForeign(error) ? needsExtension(error, path) : saidBySqlite(error, path);
  }
}

/** The same about a copy of ours: what it holds is not what somebody gave us to read, but what we or a disk broke. */
export function explainCopy(error: unknown, path: string): unknown {
  if (!(error instanceof Database.SqliteError) || !error.code.startsWith('SQLITE_NOTADB')) {
    return explainSqlite(error, path);
  }
  return new DbopsError('DAMAGED', `${path} is not an SQLite database, or it is encrypted`, {
    hint: 'Use another backup: see `dbops list`.',
    cause: error,
  });
}

function needsExtension(error: Error, path: string): DbopsError {
  return new DbopsError(
    'TOOL_MISSING',
    `${path} needs an SQLite extension that dbops does not have: ${error.message}`,
    {
      cause: error,
      hint: 'The application brings it. Work with the whole backup, which needs none: restore it without --table.',
    },
  );
}

function saidBySqlite(error: Error & { code: string }, path: string): DbopsError {
  return new DbopsError('SOURCE_REFUSED', `SQLite refuses to work on ${path}: ${error.message} (${error.code})`, {
    cause: error,
    hint: 'The words are those of SQLite. Nothing was changed.',
  });
}
