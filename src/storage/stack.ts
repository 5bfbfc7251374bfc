import type { Storage } from '../core/ports/storage.ts';
import type { StorageAddress } from '../core/storage-settings.ts';
import { findStorageDriver } from './driver.ts';
import type { StorageHost } from './storage-driver.ts';
import { withLog, type LogCall } from './wrap/logged.ts';

/** Opens a storage with everything that surrounds each one, in this order and nowhere else. */
export async function openStorage(address: StorageAddress, host: StorageHost, log: LogCall): Promise<Storage> {
  const driver = findStorageDriver(address.location);
  return withLog(await driver.open(address, host), log);
}
