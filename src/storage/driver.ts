import { DbopsError } from '../core/errors.ts';
import { localDriver } from './local/driver.ts';
import { s3Driver } from './s3/driver.ts';
import type { StorageDriver } from './storage-driver.ts';

/** Every kind of storage that has addresses. Adding one is a folder and a line here. */
const storageDrivers: readonly StorageDriver[] = [localDriver, s3Driver];

/** @throws DbopsError USAGE when no driver knows the location, or when it is a known scheme that is written wrongly. */
export function findStorageDriver(location: string): StorageDriver {
  refuseMistyped(location);
  const driver = storageDrivers.find((candidate) => candidate.claims(location));
  if (driver !== undefined) return driver;
  const scheme = location.slice(0, location.indexOf(':'));
  throw new DbopsError('USAGE', `no storage is known for ${scheme}: locations`, {
    hint: 'Name a folder, such as ./backups or file:///srv/backups, or a bucket: s3://bucket/prefix.',
  });
}

// A folder of such a name would be made without a word, and the backups in it would never leave this machine.
function refuseMistyped(location: string): void {
  const scheme = /^(s3|gs|file)(:(?!\/\/)|;\/|\/\/)/i.exec(location)?.[1]?.toLowerCase();
  if (scheme === undefined) return;
  // Not repeated: somebody may have put a secret into it.
  throw new DbopsError('USAGE', `a location begins like ${scheme}:// and is written otherwise`, {
    hint:
      scheme === 'file'
        ? 'Write file:///folder, or the path of the folder alone; ./ before it where its name begins so.'
        : `Write ${scheme}://bucket/prefix. For a folder of that name write ./ before it.`,
  });
}
