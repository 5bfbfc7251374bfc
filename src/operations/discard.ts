import { keyIn, type ObjectKey } from '../core/ids.ts';
import { MANIFEST_NAME } from '../core/manifest.ts';
import type { CallOptions, Storage } from '../core/ports/storage.ts';

/**
 * Removes a backup's objects, the manifest first: from that moment on it is no backup, and a kill leaves litter and
 * never a manifest that points at missing parts.
 */
export async function discard(storage: Storage, keys: readonly ObjectKey[], options: CallOptions): Promise<void> {
  const isManifest = (key: ObjectKey): boolean => key.split('/').at(-1) === MANIFEST_NAME;
  for (const key of [...keys.filter(isManifest), ...keys.filter((key) => !isManifest(key))]) {
    await storage.remove(key, options);
  }
}

/** Removes a folder as it is now: a verification, which needs no lock, may have put a record into it since it was listed. */
export async function removeBackup(storage: Storage, prefix: string, options: CallOptions): Promise<void> {
  await storage.remove(keyIn(prefix, MANIFEST_NAME), options);
  const keys: ObjectKey[] = [];
  for await (const { key } of storage.list(prefix, options)) keys.push(key);
  await discard(storage, keys, options);
}
