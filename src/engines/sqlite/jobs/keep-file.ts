import {
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  renameSync,
  unlinkSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { hasCode } from '../../../core/errors.ts';

/** What SQLite keeps beside a database file, and would read into another one that took its place. */
export const sidecars = ['-wal', '-shm', '-journal'] as const;

/** Gives a file a second name, the wanted one or the first free one with a number, which it returns. */
export function linkFree(path: string, wanted: string): string {
  for (let number = 1; ; number++) {
    const name = number === 1 ? wanted : `${wanted}-${number}`;
    if (sidecars.some((suffix) => existsSync(name + suffix))) continue;
    try {
      linkOrCopy(path, name);
      return name;
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) throw error;
    }
  }
}

function linkOrCopy(path: string, name: string): void {
  try {
    linkSync(path, name);
  } catch (error) {
    if (!hasNoLinks(error)) throw error;
    copyFileSync(path, name, constants.COPYFILE_EXCL);
    syncPath(name);
  }
}

/** Moves a file to a name that nobody has, durably. Fails with EEXIST where a rename would overwrite. */
export function placeFree(path: string, name: string): void {
  try {
    linkSync(path, name);
    unlinkSync(path);
  } catch (error) {
    if (!hasNoLinks(error)) throw error;
    // The empty file makes the name ours, so that the rename replaces nothing else.
    closeSync(openSync(name, 'wx', 0o600));
    try {
      renameSync(path, name);
    } catch (failure) {
      unlinkSync(name);
      throw failure;
    }
  }
  syncPath(dirname(name));
}

// As on FAT and some network shares.
function hasNoLinks(error: unknown): boolean {
  return ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].some((code) => hasCode(error, code));
}

/** Makes a file's bytes, or a folder's entries, survive a power cut. */
export function syncPath(path: string): void {
  const handle = openSync(path, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
