import type { Catalog } from '../core/catalog.ts';
import { DbopsError } from '../core/errors.ts';
import { storedBytes } from '../core/manifest.ts';
import type { Codec } from '../core/ports/codec.ts';
import type { Probe } from '../core/ports/engine.ts';
import type { Storage } from '../core/ports/storage.ts';
import { byTime } from '../core/selector.ts';
import type { Ports } from './ports.ts';

export interface SpaceNeed {
  readonly probe: Probe;
  readonly catalog: Catalog;
  readonly codec: Codec | undefined;
  readonly storage: Storage;
  /** Undefined when nothing is put on a disk. */
  readonly scratchParent: string | undefined;
}

/**
 * Fails before the first byte when the next backup cannot fit. An estimate: a disk that fills all the same is noticed
 * while writing, and leaves nothing behind.
 * @throws DbopsError NO_SPACE
 */
export async function checkSpace(need: SpaceNeed, ports: Ports, signal: AbortSignal): Promise<void> {
  const { probe, storage, scratchParent } = need;
  const stored = estimateStored(probe, need.catalog, need.codec);
  const sameDisk = storage.traits.scratchParent === scratchParent;
  const inStorage = stored + (sameDisk ? probe.scratchBytes : 0);
  refuseIfShort(storage.label, inStorage, await storage.freeBytes({ signal }));
  if (!sameDisk && scratchParent !== undefined)
    refuseIfShort(scratchParent, probe.scratchBytes, await ports.freeBytes(scratchParent));
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
