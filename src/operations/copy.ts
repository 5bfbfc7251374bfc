import type { Backup, Catalog } from '../core/catalog.ts';
import { planCopy, type CopyPlan } from '../core/copy-plan.ts';
import { hasCode, messageOf } from '../core/errors.ts';
import type { Activity } from '../core/events.ts';
import { keyIn, type TargetName } from '../core/ids.ts';
import { MANIFEST_NAME, storedBytes } from '../core/manifest.ts';
import type { Lease } from '../core/ports/lock.ts';
import type { CallOptions, Storage } from '../core/ports/storage.ts';
import { surelyKeptUntil, type RetentionPolicy } from '../core/retention.ts';
import { byTime } from '../core/selector.ts';
import { LOCK_NAME } from '../core/unfinished-work.ts';
import { clearInherited } from './clear-inherited.ts';
import { copyBackup, keysOfCopy } from './copy-backup.ts';
import { discard } from './discard.ts';
import { lockTarget } from './hold-target.ts';
import { loadCatalog } from './load-catalog.ts';
import type { Ports } from './ports.ts';
import { warn } from './warn.ts';

export interface CopyRequest {
  readonly target: TargetName;
  readonly from: Storage;
  /** What `from` holds of the target, read just now. */
  readonly source: Catalog;
  readonly to: Storage;
  /** Prefixes of the backups that a person named; undefined for all that the destination lacks. */
  readonly named: ReadonlySet<string> | undefined;
  /** The rules of the destination, where it has its own. */
  readonly policy: RetentionPolicy | undefined;
  /** The rules that say how long objects are locked, where the destination is to lock them. */
  readonly lockPolicy: RetentionPolicy | undefined;
  readonly readBack: boolean;
  readonly lockWaitMs: number;
  readonly signal: AbortSignal;
}

export interface CopyReport {
  readonly plan: CopyPlan;
  readonly outcomes: readonly CopyOutcome[];
}

/** What became of one backup that was missing. */
export type CopyOutcome = { readonly backup: Backup } & (
  | { readonly type: 'copied' }
  /** It was removed at the source meanwhile, and is not wanted any more. */
  | { readonly type: 'vanished' }
  | { readonly type: 'failed'; readonly error: unknown }
);

/** Decides what would be copied, and touches nothing. */
export async function planCopyOf(request: CopyRequest, ports: Ports): Promise<CopyPlan> {
  const { to, target, signal } = request;
  return plan(request, await loadCatalog(to, { signal, target }), ports);
}

/**
 * Copies what a destination lacks of one target, oldest first, under the target's lock there. One backup's failure does
 * not keep the others from being copied; what it left stands in the lock, and the next copy goes on with it.
 */
export async function copy(request: CopyRequest, ports: Ports): Promise<CopyReport> {
  const decided = await planCopyOf(request, ports);
  const isIdle = decided.missing.length === 0;
  // A lock that is there may be a dead run's, which only whoever takes it over can clear.
  if (isIdle && !(await hasLock(request))) return { plan: decided, outcomes: [] };
  try {
    return await copyLocked({ ...request, lockWaitMs: isIdle ? 0 : request.lockWaitMs }, ports);
  } catch (error) {
    if (isIdle && hasCode(error, 'LOCKED')) return { plan: decided, outcomes: [] };
    throw error;
  }
}

async function hasLock({ to, target, signal }: CopyRequest): Promise<boolean> {
  return (await to.stat(keyIn(target, LOCK_NAME), { signal })) !== undefined;
}

async function copyLocked(request: CopyRequest, ports: Ports): Promise<CopyReport> {
  await using lease = await lockTarget({ ...request, storage: request.to, purpose: 'copy' }, ports);
  const stock = await takeStock(request, lease, ports);
  const outcomes = await carryOut({ request, ports, lease }, stock.plan.missing);
  const copied = outcomes.filter(({ type }) => type === 'copied').map(({ backup }) => backup);
  // A run that was killed may have published the newest one right before.
  const isNewer = copied.length > 0 || lease.inherited.length > 0;
  if (isNewer) await pointAtNewest([...stock.there.backups, ...copied], request, ports);
  return { plan: stock.plan, outcomes };
}

interface Stock {
  readonly there: Catalog;
  readonly plan: CopyPlan;
}

/** What is missing now, after what a killed run left was cleared, but for what this run goes on with. */
async function takeStock(request: CopyRequest, lease: Lease, ports: Ports): Promise<Stock> {
  const { to, target, signal } = request;
  const look = async (): Promise<Stock> => {
    const there = await loadCatalog(to, { signal, target });
    return { there, plan: plan(request, there, ports) };
  };
  const found = await look();
  if (lease.inherited.length === 0) return found;
  const except = new Set(found.plan.missing.map(({ prefix }) => prefix));
  await clearInherited(to, target, lease, found.there, { signal, except });
  return look();
}

function plan({ source, named, policy }: CopyRequest, there: Catalog, ports: Ports): CopyPlan {
  return planCopy({ source, there, named, policy, now: ports.clock.now() });
}

interface Run {
  readonly request: CopyRequest;
  readonly ports: Ports;
  readonly lease: Lease;
}

async function carryOut(run: Run, missing: readonly Backup[]): Promise<CopyOutcome[]> {
  if (missing.length === 0) return [];
  await run.lease.declare(
    missing.map(({ manifest }) => manifest.id),
    run.request,
  );
  const outcomes: CopyOutcome[] = [];
  const halfMade = new Set<string>();
  try {
    for (const backup of missing) {
      halfMade.add(backup.manifest.id);
      const { outcome, isLeft } = await copyOne(run, backup);
      if (!isLeft) halfMade.delete(backup.manifest.id);
      outcomes.push(outcome);
    }
    return outcomes;
  } finally {
    await handOn([...halfMade], run.lease);
  }
}

/** Leaves the names of what is half made in the lock, so that nobody takes it for a backup that lost its manifest. */
async function handOn(halfMade: readonly string[], lease: Lease): Promise<void> {
  if (halfMade.length === 0) return lease.settle();
  // Has to work after an abort too. Where it does not, the lock still names them among all that were to be copied.
  return lease.declare(halfMade, { signal: new AbortController().signal }).catch(() => undefined);
}

interface Ending {
  readonly outcome: CopyOutcome;
  /** Something of it may be at the destination, without a manifest. */
  readonly isLeft: boolean;
}

async function copyOne({ request, ports, lease }: Run, backup: Backup): Promise<Ending> {
  const { from, to, target, lockPolicy, readBack, signal } = request;
  const { id } = backup.manifest;
  const bytes = storedBytes(backup.manifest);
  const startedAt = ports.clock.now();
  ports.reporter.report({ type: 'copy.started', target, id, bytes, from: from.label, to: to.label });
  const onProgress = (activity: Activity, done: number): void =>
    ports.reporter.report({ type: 'progress', activity, bytes: done, totalBytes: bytes });
  try {
    const lockUntil = lockEnd(backup, lockPolicy, startedAt);
    await copyBackup({ from, to, backup, lease, readBack, lockUntil, now: startedAt, signal, onProgress });
  } catch (error) {
    signal.throwIfAborted();
    return endBadly({ request, ports, lease }, backup, error);
  }
  const durationMs = ports.clock.now().getTime() - startedAt.getTime();
  ports.reporter.report({ type: 'copy.finished', target, id, durationMs });
  return { outcome: { type: 'copied', backup }, isLeft: false };
}

/** No store takes a lock that has ended. */
function lockEnd({ manifest }: Backup, policy: RetentionPolicy | undefined, now: Date): Date | 'forever' | undefined {
  if (policy === undefined) return undefined;
  const until = surelyKeptUntil({ at: new Date(manifest.finishedAt), class: manifest.class }, policy);
  return until instanceof Date && until <= now ? undefined : until;
}

/**
 * What a storage or the network interrupted stays, for the next copy to go on with. What is wrong, does not fit or is
 * wanted no more is taken back.
 */
async function endBadly({ request, ports, lease }: Run, backup: Backup, error: unknown): Promise<Ending> {
  // Whoever has the lock now may be at work on the same folder.
  if (hasCode(error, 'LOCKED')) throw error;
  const isGone = await isGoneFrom(request.from, backup, request);
  const outcome: CopyOutcome = isGone ? { type: 'vanished', backup } : { type: 'failed', backup, error };
  const isFinal = ['NO_SPACE', 'DAMAGED', 'VERIFY_FAILED'].some((code) => hasCode(error, code));
  if (!isGone && !isFinal) return { outcome, isLeft: true };
  try {
    await lease.confirm(request);
    await discard(request.to, keysOfCopy(backup), request);
    return { outcome, isLeft: false };
  } catch (failure) {
    const message = `after ${messageOf(error)}: what was stored could not be removed: ${messageOf(failure)}`;
    warn(ports, backup.prefix, message);
    return { outcome, isLeft: true };
  }
}

/** Its manifest goes first when a backup is removed. */
async function isGoneFrom(storage: Storage, { prefix }: Backup, { signal }: CallOptions): Promise<boolean> {
  try {
    return (await storage.stat(keyIn(prefix, MANIFEST_NAME), { signal })) === undefined;
  } catch {
    return false;
  }
}

async function pointAtNewest(backups: readonly Backup[], request: CopyRequest, ports: Ports): Promise<void> {
  const { to, target, signal } = request;
  const newest = backups.toSorted(byTime).at(-1);
  if (newest === undefined) return;
  await to.pointLatest(target, newest.manifest.id, { signal }).catch((error: unknown) => {
    warn(ports, target, `the link to the latest backup was not set: ${messageOf(error)}`);
  });
}
