import { DbopsError, hasCode, messageOf } from '../core/errors.ts';

/** Turns an operating system error met while reading or writing into ours: a full disk is told apart from all else. */
export function storageError(error: unknown, what: string): DbopsError {
  if (error instanceof DbopsError) return error;
  const full = fullDisk(error, what);
  if (full !== undefined) return full;
  if (hasCode(error, 'EACCES') || hasCode(error, 'EPERM')) {
    return new DbopsError('STORAGE_FAILED', `${what}: permission denied`, {
      hint: 'Run as the user who owns it, or give this user the rights that it needs there.',
      cause: error,
    });
  }
  if (hasCode(error, 'EROFS')) {
    return new DbopsError('STORAGE_FAILED', `${what}: the file system is read-only`, {
      hint: 'Name a place that can be written, or mount this one for writing.',
      cause: error,
    });
  }
  return new DbopsError('STORAGE_FAILED', `${what}: ${messageOf(error)}`, { cause: error });
}

/** NO_SPACE when the error says that the disk or the quota is full. */
export function fullDisk(error: unknown, what: string): DbopsError | undefined {
  if (!hasCode(error, 'ENOSPC') && !hasCode(error, 'EDQUOT')) return undefined;
  const reason = hasCode(error, 'EDQUOT') ? 'the disk quota is used up' : 'no space left on the device';
  return new DbopsError('NO_SPACE', `${what}: ${reason}`, {
    hint: 'Free space there, or name a place with more room. In a storage, `dbops prune` removes old backups.',
    cause: error,
  });
}
