import type { Backup, Catalog } from '../core/catalog.ts';
import type { TargetName } from '../core/ids.ts';
import { idWhenMade, storedParts } from '../core/manifest.ts';
import type { Lease } from '../core/ports/lock.ts';
import { isForRecipients } from '../core/recipients-digest.ts';
import { byTime } from '../core/selector.ts';
import { checkStored } from './check-stored.ts';
import { removeBackup } from './discard.ts';
import { holdTarget } from './hold-target.ts';
import type { Ports } from './ports.ts';
import { isEncrypted } from './restorable.ts';
import { rewrap, type RewrapRequest } from './rewrap.ts';

export interface RotateRequest extends RewrapRequest {
  readonly target: TargetName;
  readonly lockWaitMs: number;
}

/** What rotating does to one backup. */
export type Step =
  /** It is encrypted for others: it gets a copy for the new recipients, and goes. */
  | { readonly type: 'rewrap'; readonly backup: Backup }
  /** A run that was stopped has made the copy already: if it is whole, only the old one has to go. */
  | { readonly type: 'finish'; readonly backup: Backup; readonly copy: Backup }
  | { readonly type: 'skip'; readonly backup: Backup; readonly reason: string };

/** Decides, oldest first, and changes nothing. */
export function planRotation({ backups }: Catalog, recipients: readonly string[]): readonly Step[] {
  const isDone = ({ manifest }: Backup): boolean => isForRecipients(recipients, manifest.recipientsDigest);
  return backups.toSorted(byTime).map((backup): Step => {
    if (!isEncrypted(backup.manifest)) return { type: 'skip', backup, reason: 'it is not encrypted' };
    if (isDone(backup)) return { type: 'skip', backup, reason: 'it is encrypted for these recipients already' };
    const made = idWhenMade(backup.manifest);
    const copy = backups.find((other) => idWhenMade(other.manifest) === made && isDone(other) && other.good);
    return copy === undefined ? { type: 'rewrap', backup } : { type: 'finish', backup, copy };
  });
}

export interface Rotation {
  readonly step: Step;
  /** The id of the copy. */
  readonly to?: string;
  readonly error?: unknown;
}

/**
 * Encrypts the backups of a target for other recipients, without dumping again. Each becomes a new one with the same times,
 * and the old one is removed when that is published: a kill leaves the old one, or both. What fails for one backup leaves
 * it as it was, and the others are gone on with.
 */
export async function rotate(request: RotateRequest, ports: Ports): Promise<readonly Rotation[]> {
  const { target, storage, signal } = request;
  await using held = await holdTarget({ ...request, purpose: 'rotate', uncached: true }, ports);
  const { lease, catalog } = held;
  const done: Rotation[] = [];
  for (const step of planRotation(catalog, request.recipients)) {
    try {
      const to = await carryOut(step, lease, request, ports);
      done.push({ step, ...(to === undefined ? {} : { to }) });
    } catch (error) {
      signal.throwIfAborted();
      done.push({ step, error });
    }
  }
  const newest = done.findLast(({ step }) => step.backup.manifest.target === target);
  const id = newest?.to ?? newest?.step.backup.manifest.id;
  if (id !== undefined) await storage.pointLatest(target, id, { signal });
  return done;
}

async function carryOut(step: Step, lease: Lease, request: RotateRequest, ports: Ports): Promise<string | undefined> {
  const { storage, signal } = request;
  if (step.type === 'skip') return undefined;
  const { manifest, prefix } = step.backup;
  const finished = step.type === 'finish' && (await isWholeCopy(step.copy, step.backup, request));
  const to = finished ? step.copy.manifest.id : await rewrap(step.backup, lease, request, ports);
  // From here on there are two whole ones.
  await lease.declare([manifest.id], { signal });
  await lease.confirm({ signal });
  await removeBackup(storage, prefix, { signal });
  lease.settle();
  return to;
}

/** What a manifest says of a copy is no reason to remove the backup that it was made of. */
async function isWholeCopy(copy: Backup, of: Backup, { storage, signal }: RotateRequest): Promise<boolean> {
  const names = ({ manifest }: Backup): string =>
    storedParts(manifest)
      .map(({ name }) => name)
      .join();
  if (names(copy) !== names(of)) return false;
  return (await checkStored({ storage, backup: copy }, { signal })).problems.length === 0;
}
