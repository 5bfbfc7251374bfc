import type { Catalog } from '../core/catalog.ts';
import { DbopsError } from '../core/errors.ts';
import { storedBytes } from '../core/manifest.ts';
import type { Codec } from '../core/ports/codec.ts';
import type { Probe } from '../core/ports/engine.ts';
import type { CallOptions } from '../core/ports/storage.ts';
import { byTime } from '../core/selector.ts';
import type { BackupRequest } from './backup-request.ts';
import type { Destination, Destinations } from './destinations.ts';
import type { Ports } from './ports.ts';

/**
 * Fails before the first byte when the next backup cannot fit into a storage. An estimate: a disk that fills all the same
 * is noticed while writing, and leaves nothing behind.
 * @throws DbopsError NO_SPACE
 */
export async function checkSpace({ storage }: Destination, storedBytes: number, options: CallOptions): Promise<void> {
  refuseIfShort(storage.label, storedBytes, await storage.freeBytes(options));
}

/**
 * Where the snapshot is collected: in a folder that was named, on the disk of the first storage that has one, else in the
 * temporary folder. Content that is to be encrypted goes to a disk that has it already, or nowhere. A storage whose disk
 * cannot hold both the snapshot and the backup gets none, and the next place is tried.
 * @throws DbopsError NO_SPACE
 */
export async function placeScratch(
  { scratchParent, encryption, signal }: BackupRequest,
  probe: Probe,
  destinations: Destinations,
  storedBytes: (destination: Destination) => number,
  ports: Ports,
): Promise<string | undefined> {
  for (;;) {
    const beside = destinations.remaining().map(({ storage }) => storage.traits.scratchParent);
    const otherwise =
      encryption === undefined
        ? (beside.find((folder) => folder !== undefined) ?? ports.temporaryFolder)
        : probe.scratchParent;
    const parent = scratchParent ?? otherwise;
    if (parent === undefined) return undefined;
    const sharing = destinations.remaining().find(({ storage }) => storage.traits.scratchParent === parent);
    try {
      if (sharing === undefined) refuseIfShort(parent, probe.scratchBytes, await ports.freeBytes(parent));
      else await checkSpace(sharing, storedBytes(sharing) + probe.scratchBytes, { signal });
      return parent;
    } catch (error) {
      if (sharing === undefined) throw error;
      destinations.fail(sharing, error);
    }
  }
}

/** About how many bytes the next backup takes. */
export function estimateStored(probe: Probe, catalog: Catalog | undefined, codec: Codec | undefined): number {
  const last = catalog?.backups.toSorted(byTime).at(-1);
  if (last !== undefined) return Math.round(storedBytes(last.manifest) * 1.2);
  return codec === undefined ? probe.bytes : Math.round(probe.bytes / 2);
}

/** @throws DbopsError NO_SPACE */
export function refuseIfShort(place: string, need: number, free: number | undefined): void {
  if (free === undefined || free >= need) return;
  throw new DbopsError('NO_SPACE', `${place} has ${megabytes(free)} MB free, about ${megabytes(need)} MB are needed`, {
    hint: 'Free space there, remove old backups with `dbops prune`, or name another place.',
  });
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0);
}
