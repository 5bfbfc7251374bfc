import type { Clock } from '../core/ports/clock.ts';
import type { Storage } from '../core/ports/storage.ts';
import type { StorageAddress } from '../core/storage-settings.ts';

/** What dbops has to know of a kind of storage before it loads it. */
export interface StorageDriver {
  readonly name: string;
  /** Whether this driver opens such a location: a folder's path, or a URL with its scheme. */
  claims(location: string): boolean;
  /**
   * Opens without touching the storage.
   * @throws DbopsError USAGE for a location or settings that it cannot honour
   */
  open(address: StorageAddress, host: StorageHost): Promise<Storage>;
}

/** What a storage may know of the process it runs in. */
export interface StorageHost {
  /** Holds settings that belong to addresses, such as AWS_REGION. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  /** Where copies of small objects may be kept between runs; undefined where there is no such place. */
  readonly cacheFolder?: string | undefined;
}
