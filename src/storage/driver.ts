import { resolve } from 'node:path';
import { DbopsError } from '../core/errors.ts';
import type { Storage } from '../core/ports/storage.ts';

/** A kind of storage. Adding one is a folder and a line in the list below. */
export interface StorageDriver {
  readonly name: string;
  /** Whether this driver opens such a location: a folder's path, or a URL with its scheme. */
  claims(location: string): boolean;
  /** Opens without touching the storage; relative paths start at `folder`. */
  open(location: string, folder: string): Promise<Storage>;
}

const local: StorageDriver = {
  name: 'local',
  claims: (location) => location.startsWith('file://') || !/^[a-z][a-z0-9+.-]*:\/\//i.test(location),
  open: async (location, folder) => {
    const { createLocalStorage } = await import('./local/local-storage.ts');
    return createLocalStorage(resolve(folder, location.replace(/^file:\/\//, '')));
  },
};

export const storageDrivers: readonly StorageDriver[] = [local];

/** @throws DbopsError USAGE when no driver knows the location. */
export function findStorageDriver(location: string): StorageDriver {
  const driver = storageDrivers.find((candidate) => candidate.claims(location));
  if (driver !== undefined) return driver;
  const scheme = location.slice(0, location.indexOf(':'));
  throw new DbopsError('USAGE', `no storage is known for ${scheme}: locations`, {
    hint: 'Name a folder, such as ./backups or file:///srv/backups.',
  });
}
