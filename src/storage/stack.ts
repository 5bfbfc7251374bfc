import type { Storage } from '../core/ports/storage.ts';
import { findStorageDriver } from './driver.ts';
import { withLog, type LogCall } from './wrap/logged.ts';

/** Opens a storage with everything that surrounds each one, in this order and nowhere else. */
export async function openStorage(location: string, folder: string, log: LogCall): Promise<Storage> {
  const driver = findStorageDriver(location);
  return withLog(await driver.open(location, folder), log);
}
