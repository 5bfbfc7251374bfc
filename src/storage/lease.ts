import { DbopsError, hasCode } from '../core/errors.ts';
import { keyIn, type ObjectKey, type TargetName } from '../core/ids.ts';
import type { Clock, RandomBytes } from '../core/ports/clock.ts';
import type { Lease, Lock, LockRequest } from '../core/ports/lock.ts';
import type { CallOptions, Storage } from '../core/ports/storage.ts';
import { LOCK_NAME } from '../core/unfinished-work.ts';
import { collect } from '../streams/collect.ts';
import {
  body,
  decode,
  describe,
  isDead,
  newDocument,
  nobody,
  parse,
  renewEveryMs,
  type LeaseDocument,
} from './lease-document.ts';

// On file systems without hard links a name shows before its bytes, for moments; a kill in between leaves it so.
const blankPatienceMs = 60_000;
const pollEveryMs = 500;
// Taking over is a matter of moments. A claim that stays longer belongs to a run that is stuck.
const claimPatienceMs = 10_000;
// A storage that is gone must not hold up a run that has ended.
const releaseWithinMs = 20_000;

/**
 * The lock of one target in a storage: an object created only if absent, naming its owner. A dead owner is proven by
 * its process (pid, start time, boot, namespace) on the same machine, and otherwise by a lease that was not renewed.
 */
export function createLock(storage: Storage, clock: Clock, random: RandomBytes): Lock {
  return {
    acquire: async (target, request) => {
      const held: Held = {
        storage,
        clock,
        key: keyIn(target, LOCK_NAME),
        document: newDocument(request.purpose, clock, random),
      };
      const lease = openLease(held, await enter(held, target, request), request.onReleaseFailure);
      try {
        await clearClaim(held, request);
        return lease;
      } catch (error) {
        await lease[Symbol.asyncDispose]();
        throw error;
      }
    },
  };
}

interface Held {
  readonly storage: Storage;
  readonly clock: Clock;
  readonly key: ObjectKey;
  document: LeaseDocument;
}

async function enter(held: Held, target: TargetName, request: LockRequest): Promise<readonly string[]> {
  const { clock } = held;
  const deadline = clock.now().getTime() + request.waitMs;
  let announced = false;
  for (;;) {
    if (await create(held, request)) return [];
    const other = await read(held, request);
    if (other === undefined) continue;
    if (isDead(other, clock)) {
      if (await takeOver(held, other, request)) return other.work;
      if (clock.now().getTime() < deadline + claimPatienceMs) continue;
    }
    if (clock.now().getTime() >= deadline) throw taken(target, other, request.waitMs);
    if (!announced) request.onWait?.(describe(other));
    announced = true;
    await clock.sleep(Math.min(pollEveryMs, Math.max(1, deadline - clock.now().getTime())), request.signal);
  }
}

async function create({ storage, key, document }: Held, options: CallOptions): Promise<boolean> {
  try {
    await storage.put(key, body(document), { signal: options.signal, ifAbsent: true });
    return true;
  } catch (error) {
    if (hasCode(error, 'OBJECT_EXISTS')) return false;
    throw error;
  }
}

/**
 * Replaces a dead owner's lock by ours, in one step that keeps its list of unfinished work. Two runs may find it dead
 * at once, and the slower one must not replace the lock that the faster one has made since: so only the run that
 * has created the claim may replace it, and only after seeing that it is still the dead one.
 */
async function takeOver(held: Held, dead: LeaseDocument, options: CallOptions): Promise<boolean> {
  const { storage, clock, key, document } = held;
  const claim = claimOf(held);
  if (!(await create(claim, options))) {
    await clearClaim(held, options);
    await clock.sleep(20, options.signal);
    return false;
  }
  try {
    const now = await read(held, options);
    if (now?.nonce !== dead.nonce) return false;
    held.document = { ...document, work: [...dead.work] };
    await storage.put(key, body(held.document), options);
    return true;
  } finally {
    await storage.remove(claim.key, options);
  }
}

function claimOf(held: Held): Held {
  return { ...held, key: keyIn(held.key.replace(/\/[^/]*$/, ''), 'claim.json') };
}

/** A run killed in the middle of taking over leaves its claim. */
async function clearClaim(held: Held, options: CallOptions): Promise<void> {
  const claim = claimOf(held);
  if ((await held.storage.stat(claim.key, options)) === undefined) return;
  const rival = await read(claim, options);
  if (rival !== undefined && isDead(rival, held.clock)) await held.storage.remove(claim.key, options);
}

function openLease(held: Held, inherited: readonly string[], onReleaseFailure: (error: unknown) => void): Lease {
  let last: Promise<unknown> = Promise.resolve();
  // One after the other: a renewal that is slow must not put its older list of work over a newer one.
  const write = (change: Partial<LeaseDocument>, options: CallOptions): Promise<void> => {
    const turn = last.then(async () => {
      await confirm(held, options);
      held.document = { ...held.document, ...change, renewedAt: held.clock.now().toISOString() };
      await held.storage.put(held.key, body(held.document), options);
    });
    last = turn.catch(() => undefined);
    return turn;
  };
  const stop = new AbortController();
  // A failed renewal is not the run's failure: `confirm` decides before anything becomes visible.
  const renewals = renew(held.clock, write, stop.signal).catch(() => undefined);
  let released: Promise<void> | undefined;
  const giveBack = (options: CallOptions): Promise<void> => {
    released ??= (async () => {
      stop.abort();
      // A renewal that is still on its way could put the lock back after it was removed.
      await unlessAborted(renewals, options.signal);
      await release(held, options);
    })().catch((error: unknown) => onReleaseFailure(error));
    return released;
  };
  return {
    inherited,
    declare: (work, options) => write({ work: [...work] }, options),
    settle: () => {
      held.document = { ...held.document, work: [] };
    },
    confirm: (options) => confirm(held, options),
    release: giveBack,
    // Has to work after an abort too, so it does not take the run's signal.
    [Symbol.asyncDispose]: () => giveBack({ signal: AbortSignal.timeout(releaseWithinMs) }),
  };
}

async function unlessAborted(work: Promise<unknown>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

async function release(held: Held, options: CallOptions): Promise<void> {
  const now = await read(held, options);
  if (now?.nonce !== held.document.nonce) return;
  if (held.document.work.length === 0) await held.storage.remove(held.key, options);
  else await held.storage.put(held.key, body({ ...held.document, released: true }), options);
}

async function renew(
  clock: Clock,
  write: (change: Partial<LeaseDocument>, options: CallOptions) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    await clock.sleep(renewEveryMs, signal);
    try {
      await write({}, { signal });
    } catch (error) {
      // A network that is down for a moment must not cost the lock; one that was lost is not taken back.
      if (hasCode(error, 'LOCKED')) throw error;
    }
  }
}

async function confirm(held: Held, options: CallOptions): Promise<void> {
  const now = await read(held, options);
  if (now?.nonce === held.document.nonce) return;
  throw new DbopsError('LOCKED', `the lock ${held.key} was lost${now === undefined ? '' : ` to ${describe(now)}`}`, {
    hint: 'This run was taken for dead, for example after the machine slept. Nothing was published; run it again.',
  });
}

async function read(held: Held, options: CallOptions): Promise<LeaseDocument | undefined> {
  const { storage, key } = held;
  try {
    const bytes = await collect(await storage.get(key, options), 1 << 20, key);
    const document = decode(bytes);
    if (document === undefined && (await isAbandoned(held, options))) return nobody;
    return parse(document, key);
  } catch (error) {
    if (hasCode(error, 'OBJECT_MISSING')) return undefined;
    throw error;
  }
}

async function isAbandoned({ storage, clock, key }: Held, options: CallOptions): Promise<boolean> {
  const info = await storage.stat(key, options);
  return info !== undefined && clock.now().getTime() - info.modifiedAt.getTime() > blankPatienceMs;
}

function taken(target: TargetName, other: LeaseDocument, waitMs: number): DbopsError {
  const waited = waitMs === 0 ? '' : ` after waiting ${Math.round(waitMs / 1000)} s`;
  return new DbopsError('LOCKED', `target ${target} is locked by ${describe(other)}${waited}`, {
    hint: 'Wait for it to end, or give this run time with --lock-wait 10m.',
  });
}
