import { resolve } from 'node:path';
import type { StorageDriver } from '../storage-driver.ts';

/** A folder's path, or `file://` and one. */
export const localDriver: StorageDriver = {
  name: 'local',
  claims: (location) => location.startsWith('file://') || !/^[a-z][a-z0-9+.-]*:\/\//i.test(location),
  open: async (location, folder) => {
    const { createLocalStorage } = await import('./local-storage.ts');
    return createLocalStorage(resolve(folder, location.replace(/^file:\/\//, '')));
  },
};
