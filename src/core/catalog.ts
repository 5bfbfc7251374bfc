import type { DbopsError } from './errors.ts';
import { isTargetName, type TargetName } from './ids.ts';
import type { Manifest } from './manifest.ts';
import type { ObjectInfo } from './ports/storage.ts';
import type { VerificationNote } from './records.ts';

/** A backup whose manifest could be read. */
export interface Backup {
  /** `<target>/<id>`, or empty when a single folder was opened as a storage. */
  readonly prefix: string;
  readonly manifest: Manifest;
  readonly pinned: boolean;
  /** False while its latest verification failed. */
  readonly good: boolean;
  readonly verifications: readonly VerificationNote[];
  readonly objects: readonly ObjectInfo[];
}

/** A folder whose manifest cannot be trusted or was lost: shown, never used, never removed by a rule. */
export interface BrokenBackup {
  readonly prefix: string;
  readonly reason: string;
  /** The storage's failure, when it did not give the manifest: nothing is known of this backup, not even damage. */
  readonly unread: DbopsError | undefined;
  readonly objects: readonly ObjectInfo[];
}

/** A folder that never had a manifest, or one that a run was removing: what an interrupted run left. Ignored, and removed by prune once it is old. */
export interface Litter {
  readonly prefix: string;
  readonly objects: readonly ObjectInfo[];
}

export interface Catalog {
  readonly backups: readonly Backup[];
  readonly broken: readonly BrokenBackup[];
  readonly litter: readonly Litter[];
}

/** One catalogue a target, in the order of their names. */
export function splitByTarget(catalog: Catalog): ReadonlyMap<TargetName, Catalog> {
  const backups = Map.groupBy(catalog.backups, targetOf);
  const broken = Map.groupBy(catalog.broken, targetOf);
  const litter = Map.groupBy(catalog.litter, targetOf);
  const names = new Set([...backups.keys(), ...broken.keys(), ...litter.keys()]);
  return new Map(
    [...names]
      .filter(isTargetName)
      .toSorted()
      .map((name) => [
        name,
        { backups: backups.get(name) ?? [], broken: broken.get(name) ?? [], litter: litter.get(name) ?? [] },
      ]),
  );
}

function targetOf({ prefix }: { readonly prefix: string }): string {
  return prefix.split('/')[0] ?? '';
}
