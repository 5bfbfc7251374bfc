import type { Catalog } from '../core/catalog.ts';
import { isBackupId, type TargetName } from '../core/ids.ts';
import type { Lease } from '../core/ports/lock.ts';
import type { CallOptions, Storage } from '../core/ports/storage.ts';
import { discard } from './discard.ts';

/**
 * Removes what a killed run left half made or half removed. Only folders that its lock named, and only those without
 * a manifest: a backup that was published just before the kill stays.
 */
export async function clearInherited(
  storage: Storage,
  target: TargetName,
  lease: Lease,
  { litter }: Catalog,
  options: CallOptions,
): Promise<void> {
  const left = new Set(lease.inherited.filter(isBackupId).map((id) => `${target}/${id}`));
  for (const { prefix, objects } of litter) {
    if (left.has(prefix))
      await discard(
        storage,
        objects.map(({ key }) => key),
        options,
      );
  }
  lease.settle();
}
