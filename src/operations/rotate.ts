import type { Backup, Catalog } from '../core/catalog.ts';
import { messageOf } from '../core/errors.ts';
import type { TargetName } from '../core/ids.ts';
import { idWhenMade } from '../core/manifest.ts';
import type { Codec } from '../core/ports/codec.ts';
import type { Lease } from '../core/ports/lock.ts';
import type { CallOptions, Storage } from '../core/ports/storage.ts';
import { isForRecipients } from '../core/recipients-digest.ts';
import { byTime } from '../core/selector.ts';
import { clearInherited } from './clear-inherited.ts';
import { removeBackup } from './discard.ts';
import { loadCatalog } from './load-catalog.ts';
import type { Ports } from './ports.ts';
import { isEncrypted } from './restorable.ts';
import { rewrap } from './rewrap.ts';

export interface RotateRequest extends CallOptions {
  readonly target: TargetName;
  readonly storage: Storage;
  /** Encrypts for `recipients`. Those of `ports` decrypt. */
  readonly cipher: Codec;
  readonly recipients: readonly string[];
  /** Until when the storage locks what is written for this backup. */
  readonly lockUntil: (backup: Backup) => Date | 'forever' | undefined;
  readonly lockWaitMs: number;
}

/** What rotating does to one backup. */
export type Step =
  /** It is encrypted for others: it gets a copy for the new recipients, and goes. */
  | { readonly type: 'rewrap'; readonly backup: Backup }
  /** A run that was stopped has made the copy already. */
  | { readonly type: 'finish'; readonly backup: Backup; readonly copy: Backup }
  | { readonly type: 'skip'; readonly backup: Backup; readonly reason: string };

/** Decides, oldest first, and changes nothing. */
export function planRotation({ backups }: Catalog, recipients: readonly string[]): readonly Step[] {
  const isDone = ({ manifest }: Backup): boolean => isForRecipients(recipients, manifest.recipientsDigest);
  return backups.toSorted(byTime).map((backup): Step => {
    if (!isEncrypted(backup.manifest)) return { type: 'skip', backup, reason: 'it is not encrypted' };
    if (isDone(backup)) return { type: 'skip', backup, reason: 'it is encrypted for these recipients already' };
    const made = idWhenMade(backup.manifest);
    const copy = backups.find((other) => idWhenMade(other.manifest) === made && isDone(other));
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
  const { target, storage, recipients, lockWaitMs, signal } = request;
  await using lease = await ports.lockOf(storage).acquire(target, {
    purpose: 'rotate',
    waitMs: lockWaitMs,
    signal,
    onWait: () => ports.reporter.report({ type: 'activity', target, activity: 'wait for lock' }),
    onReleaseFailure: (error) => warn(ports, target, `the lock stays behind: ${messageOf(error)}`),
  });
  const catalog = await loadCatalog(storage, { signal, target });
  await clearInherited(storage, target, lease, catalog, { signal });
  const done: Rotation[] = [];
  for (const step of planRotation(catalog, recipients)) {
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
  const to = step.type === 'finish' ? step.copy.manifest.id : await rewrap(step.backup, lease, request, ports);
  // From here on there are two whole ones.
  await lease.declare([manifest.id], { signal });
  await lease.confirm({ signal });
  await removeBackup(storage, prefix, { signal });
  lease.settle();
  return to;
}

function warn(ports: Ports, subject: string, message: string): void {
  ports.reporter.report({ type: 'warning', subject, message });
}
