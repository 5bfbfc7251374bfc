import type { Catalog } from '../core/catalog.ts';
import { hasCode } from '../core/errors.ts';
import { isBackupId, keyIn, type TargetName } from '../core/ids.ts';
import { MANIFEST_NAME } from '../core/manifest.ts';
import type { Lease } from '../core/ports/lock.ts';
import type { CallOptions, Storage } from '../core/ports/storage.ts';
import { discard } from './discard.ts';

/**
 * Removes what a killed run left half made or half removed. Only folders that its lock named, and only those without
 * a manifest: a backup that was published just before the kill stays. An empty manifest is none: file systems without hard
 * links show the name before the bytes, and a kill in between leaves it so.
 */
export async function clearInherited(
  storage: Storage,
  target: TargetName,
  lease: Lease,
  { backups, broken, litter }: Catalog,
  options: CallOptions & {
    /** Folders whose half made content the caller goes on with; their names stay in the lock until it declares them. */
    readonly except?: ReadonlySet<string>;
  },
): Promise<void> {
  const begun = broken.filter(({ prefix, objects }) =>
    objects.some(({ key, bytes }) => key === keyIn(prefix, MANIFEST_NAME) && bytes === 0),
  );
  const unfinished = [...litter, ...begun];
  const whole = new Set(
    [...backups, ...broken.filter((folder) => !begun.includes(folder))].map(({ prefix }) => prefix),
  );
  const inherited = lease.inherited.filter(isBackupId).map((id) => `${target}/${id}`);
  for (const prefix of inherited) {
    if (whole.has(prefix) || options.except?.has(prefix) === true) continue;
    const objects = unfinished.find((folder) => folder.prefix === prefix)?.objects ?? [];
    // Removing the manifest that is not there takes along a folder in which there is nothing to list.
    await discard(storage, [keyIn(prefix, MANIFEST_NAME), ...objects.map(({ key }) => key)], options);
    await takeBackUploads(storage, prefix, options);
  }
  if (!inherited.some((prefix) => options.except?.has(prefix) === true)) lease.settle();
}

/** Invisible, and prune finds them in a day: where they may not be seen, that is no reason to make no backup. */
async function takeBackUploads(storage: Storage, prefix: string, options: CallOptions): Promise<void> {
  try {
    for await (const put of storage.unfinished(prefix, options)) await put.discard(options);
  } catch (error) {
    if (!hasCode(error, 'STORAGE_FAILED')) throw error;
  }
}
