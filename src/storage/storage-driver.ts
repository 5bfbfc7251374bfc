import type { Storage } from '../core/ports/storage.ts';

/** What dbops has to know of a kind of storage before it loads it. */
export interface StorageDriver {
  readonly name: string;
  /** Whether this driver opens such a location: a folder's path, or a URL with its scheme. */
  claims(location: string): boolean;
  /** Opens without touching the storage; relative paths start at `folder`. */
  open(location: string, folder: string): Promise<Storage>;
}
