import { DbopsError } from '../core/errors.ts';
import { localDriver } from './local/driver.ts';
import { s3Driver } from './s3/driver.ts';
import type { StorageDriver } from './storage-driver.ts';

/** Every kind of storage that has addresses. Adding one is a folder and a line here. */
const storageDrivers: readonly StorageDriver[] = [localDriver, s3Driver];

/** @throws DbopsError USAGE when no driver knows the location. */
export function findStorageDriver(location: string): StorageDriver {
  const driver = storageDrivers.find((candidate) => candidate.claims(location));
  if (driver !== undefined) return driver;
  const scheme = location.slice(0, location.indexOf(':'));
  throw new DbopsError('USAGE', `no storage is known for ${scheme}: locations`, {
    hint: 'Name a folder, such as ./backups or file:///srv/backups, or a bucket: s3://bucket/prefix.',
  });
}
