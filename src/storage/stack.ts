import { parseByteRate } from '../core/byte-rate.ts';
import type { Storage } from '../core/ports/storage.ts';
import type { StorageAddress } from '../core/storage-settings.ts';
import { findStorageDriver } from './driver.ts';
import type { StorageHost } from './storage-driver.ts';
import { withLog, type LogCall } from './wrap/logged.ts';
import { withRateLimit } from './wrap/rate-limited.ts';

/** Opens a storage with everything that surrounds each one, in this order and nowhere else. */
export async function openStorage(address: StorageAddress, host: StorageHost, log: LogCall): Promise<Storage> {
  const storage = await findStorageDriver(address.location).open(address, host);
  const { limitRate } = address.settings;
  const limited = limitRate === undefined ? storage : withRateLimit(storage, parseByteRate(limitRate), host.clock);
  return withLog(limited, log);
}
