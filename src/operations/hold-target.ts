import type { Catalog } from '../core/catalog.ts';
import { messageOf } from '../core/errors.ts';
import type { TargetName } from '../core/ids.ts';
import type { Lease } from '../core/ports/lock.ts';
import type { CallOptions, Storage } from '../core/ports/storage.ts';
import { clearInherited } from './clear-inherited.ts';
import { loadCatalog } from './load-catalog.ts';
import type { Ports } from './ports.ts';
import { warn } from './warn.ts';

export interface HoldRequest extends CallOptions {
  readonly target: TargetName;
  readonly storage: Storage;
  /** What the lock is held for, shown to whoever waits. */
  readonly purpose: string;
  readonly lockWaitMs: number;
  /** Read every manifest from the storage itself: what is written anew must not come out of a cache. */
  readonly uncached?: boolean;
}

/** A target that nobody else changes now, and what there is of it. */
export interface HeldTarget {
  readonly lease: Lease;
  readonly catalog: Catalog;
}

/** Takes the lock of a target, and says when it has to wait, and when the lock stays behind. */
export function lockTarget(request: HoldRequest, ports: Ports): Promise<Lease> {
  const { target, storage, purpose, lockWaitMs, signal } = request;
  return ports.lockOf(storage).acquire(target, {
    purpose,
    waitMs: lockWaitMs,
    signal,
    onWait: () => ports.reporter.report({ type: 'activity', target, activity: 'wait for lock' }),
    onReleaseFailure: (error) => warn(ports, target, `the lock stays behind: ${messageOf(error)}`),
  });
}

/** Locks a target, reads its catalogue, and clears what a holder that died left half done. */
export async function holdTarget(request: HoldRequest, ports: Ports): Promise<HeldTarget & AsyncDisposable> {
  const { target, storage, uncached = false, signal } = request;
  const lease = await lockTarget(request, ports);
  try {
    const catalog = await loadCatalog(storage, { signal, target, uncached });
    await clearInherited(storage, target, lease, catalog, { signal });
    return { lease, catalog, [Symbol.asyncDispose]: () => lease[Symbol.asyncDispose]() };
  } catch (error) {
    await lease[Symbol.asyncDispose]();
    throw error;
  }
}
