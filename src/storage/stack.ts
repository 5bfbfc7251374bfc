import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { parseByteRate } from '../core/byte-rate.ts';
import type { Storage } from '../core/ports/storage.ts';
import type { StorageAddress } from '../core/storage-settings.ts';
import { openPrivateFolder } from '../platform/private-folder.ts';
import { findStorageDriver } from './driver.ts';
import type { StorageHost } from './storage-driver.ts';
import { withCache } from './wrap/cached.ts';
import { withLog, type LogCall } from './wrap/logged.ts';
import { withRateLimit } from './wrap/rate-limited.ts';

/** Opens a storage with everything that surrounds each one, in this order and nowhere else. */
export async function openStorage(address: StorageAddress, host: StorageHost, log: LogCall): Promise<Storage> {
  const storage = await findStorageDriver(address.location).open(address, host);
  const { limitRate, endpoint } = address.settings;
  const limited = limitRate === undefined ? storage : withRateLimit(storage, parseByteRate(limitRate), host.clock);
  // Below the cache, the log has the calls that are really made.
  const logged = withLog(limited, log);
  if (host.cacheFolder === undefined) return logged;
  // One bucket name may mean several stores.
  const name = createHash('sha256')
    .update(JSON.stringify([endpoint ?? '', storage.label]))
    .digest('hex');
  return withCache(logged, openPrivateFolder(join(host.cacheFolder, name.slice(0, 32))));
}
