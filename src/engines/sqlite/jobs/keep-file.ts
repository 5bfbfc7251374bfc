import { closeSync, constants, copyFileSync, existsSync, fsyncSync, linkSync, openSync } from 'node:fs';
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

// Some file systems (FAT, network shares) have no hard links.
function linkOrCopy(path: string, name: string): void {
  try {
    linkSync(path, name);
  } catch (error) {
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].some((code) => hasCode(error, code))) throw error;
    copyFileSync(path, name, constants.COPYFILE_EXCL);
    syncPath(name);
  }
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
