import type { Backup, Catalog, Litter } from '../core/catalog.ts';
import { DbopsError, hasCode } from '../core/errors.ts';
import type { TargetName } from '../core/ids.ts';
import { storedBytes } from '../core/manifest.ts';
import type { Lease } from '../core/ports/lock.ts';
import type { Storage, UnfinishedPut } from '../core/ports/storage.ts';
import { judge, type Candidate, type RetentionPolicy, type Verdict } from '../core/retention.ts';
import { removeBackup } from './discard.ts';
import { holdTarget } from './hold-target.ts';
import { loadCatalog } from './load-catalog.ts';
import { keepLocked } from './locked-backups.ts';
import type { Ports } from './ports.ts';
import { findUnfinished } from './unfinished-puts.ts';

/** Longer than any backup takes: younger folders without a manifest may be one in the making. */
const LITTER_AGE_MS = 24 * 3_600_000;

export interface PruneRequest {
  readonly target: TargetName;
  readonly policy: RetentionPolicy;
  readonly storage: Storage;
  readonly lockWaitMs: number;
  readonly signal: AbortSignal;
}

export interface JudgedBackup extends Candidate {
  readonly backup: Backup;
  readonly bytes: number;
}

export interface PrunePlan {
  readonly verdicts: readonly Verdict<JudgedBackup>[];
  readonly litter: readonly Litter[];
  /** Uploads that interrupted runs left: invisible, but they take space. */
  readonly unfinished: readonly UnfinishedPut[];
  /** Folders whose manifest cannot be read; never removed by a rule. */
  readonly broken: readonly { readonly prefix: string; readonly reason: string }[];
}

/** Decides what would go, and touches nothing. `known` is the target's catalogue, if it was read just now. */
export async function planPrune(request: PruneRequest, ports: Ports, known?: Catalog): Promise<PrunePlan> {
  const { storage, target, signal } = request;
  return plan(known ?? (await loadCatalog(storage, { signal, target })), request, ports);
}

/** Decides under the target's lock, and removes. Resolves with the plan that was carried out. */
export async function prune(request: PruneRequest, ports: Ports): Promise<PrunePlan> {
  try {
    return await pruneLocked(request, ports);
  } catch (error) {
    if (!hasCode(error, 'NO_SPACE')) throw error;
    // Whoever prunes because the disk is full must not be told to prune.
    throw new DbopsError('NO_SPACE', error.message, {
      hint: 'Prune needs a few kB for its lock. Remove another file there or the folder of one old backup by hand, then prune.',
      cause: error,
    });
  }
}

async function pruneLocked(request: PruneRequest, ports: Ports): Promise<PrunePlan> {
  await using held = await holdTarget({ ...request, purpose: 'prune' }, ports);
  const { lease, catalog } = held;
  const decided = await plan(catalog, request, ports);
  await carryOut(decided, lease, request, ports);
  return decided;
}

async function plan({ backups, broken, litter }: Catalog, request: PruneRequest, ports: Ports): Promise<PrunePlan> {
  const { storage, target, policy, signal } = request;
  // What the storage did not give may be the newest backup, or all of them: that is no state to decide in.
  const unread = broken.find((folder) => folder.unread !== undefined)?.unread;
  if (unread !== undefined) throw unread;
  const now = ports.clock.now();
  const isOld = (time: number): boolean => now.getTime() - time > LITTER_AGE_MS;
  const verdicts = await keepLocked(judge(backups.map(toCandidate), policy, now), storage, now, { signal });
  const unfinished = await findUnfinished(storage, target, ports.reporter, { signal });
  const newestOf = ({ objects }: Litter): number => Math.max(...objects.map(({ modifiedAt }) => modifiedAt.getTime()));
  return {
    verdicts,
    litter: litter.filter((folder) => isOld(newestOf(folder))),
    unfinished: unfinished.filter(({ startedAt }) => isOld(startedAt.getTime())),
    broken,
  };
}

function toCandidate(backup: Backup): JudgedBackup {
  const { manifest, pinned, good } = backup;
  const at = new Date(manifest.finishedAt);
  return { id: manifest.id, at, class: manifest.class, pinned, good, backup, bytes: storedBytes(manifest) };
}

async function carryOut(
  { verdicts, litter, unfinished }: PrunePlan,
  lease: Lease,
  request: PruneRequest,
  ports: Ports,
): Promise<void> {
  const { storage, target, signal } = request;
  // Oldest first: a run that is cut short has removed what was least likely to be missed.
  const leaving = verdicts.filter(({ keep }) => !keep).toReversed();
  if (leaving.length === 0 && litter.length === 0 && unfinished.length === 0) return;
  await lease.declare(
    leaving.map(({ backup }) => backup.id),
    { signal },
  );
  for (const { backup } of leaving) {
    await lease.confirm({ signal });
    await removeBackup(storage, backup.backup.prefix, { signal });
    ports.reporter.report({ type: 'prune.removed', target, name: backup.id, bytes: backup.bytes });
  }
  for (const { prefix, objects } of litter) {
    await lease.confirm({ signal });
    await removeBackup(storage, prefix, { signal });
    const bytes = objects.reduce((sum, object) => sum + object.bytes, 0);
    ports.reporter.report({ type: 'prune.removed', target, name: prefix, bytes });
  }
  for (const put of unfinished) {
    await put.discard({ signal });
    ports.reporter.report({ type: 'prune.removed', target, name: put.key, bytes: 0 });
  }
  lease.settle();
  const newest = verdicts.find(({ keep }) => keep);
  if (newest !== undefined) await storage.pointLatest(target, newest.backup.id, { signal });
}
