import { resolve } from 'node:path';
import { DbopsError } from '../../core/errors.ts';
import type { StorageDriver } from '../storage-driver.ts';

/** A folder's path, or `file://` and one. */
export const localDriver: StorageDriver = {
  name: 'local',
  claims: (location) => location.startsWith('file://') || !/^[a-z][a-z0-9+.-]*:\/\//i.test(location),
  open: async ({ location, folder, settings }) => {
    const { limitRate: _, ...others } = settings;
    const [useless] = Object.keys(others);
    if (useless !== undefined) {
      throw new DbopsError('CONFIG_INVALID', `the storage ${location} is a folder, which has no ${useless}`, {
        hint: 'Remove that key, or write the URL of an object store: s3://bucket/prefix.',
      });
    }
    const { createLocalStorage } = await import('./local-storage.ts');
    return createLocalStorage(resolve(folder, location.replace(/^file:\/\//, '')));
  },
};
