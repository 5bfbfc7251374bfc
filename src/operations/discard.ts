import type { ObjectKey } from '../core/ids.ts';
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
