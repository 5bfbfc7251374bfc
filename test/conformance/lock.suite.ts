import { describe, expect, test } from 'vitest';
import { parseTargetName } from '../../src/core/ids.ts';
import type { Lock, LockRequest } from '../../src/core/ports/lock.ts';
import type { Storage } from '../../src/core/ports/storage.ts';
import { systemRandom } from '../../src/platform/clock.ts';
import { ownIdentity, type ProcessIdentity } from '../../src/platform/process-identity.ts';
import { createLock } from '../../src/storage/lease.ts';
import { bodyOf, contentOf, key, keysOf, patient } from '../support/bodies.ts';
import { createFakeClock, type FakeClock } from '../support/fake-clock.ts';

export const app = parseTargetName('app');

export const request: LockRequest = {
  ...patient,
  purpose: 'backup',
  waitMs: 0,
  onReleaseFailure: (error) => {
    throw error;
  },
};

interface Subject {
  readonly storage: Storage;
  readonly clock: FakeClock;
  readonly lock: Lock;
}

/** A lock object as another process would have written it. */
function lockOf(owner: Partial<ProcessIdentity>, renewedAt: Date, work: readonly string[] = []): string {
  const time = renewedAt.toISOString();
  const nonce = 'd'.repeat(32);
  const full = { ...ownIdentity(), ...owner };
  return JSON.stringify({ nonce, owner: full, purpose: 'prune', since: time, renewedAt: time, work });
}

const elsewhere = { pid: 4_000_000, scope: 'anotherboot1.17', host: 'another-host' };
const minuteMs = 60_000;

/** The contract of src/core/ports/lock.ts over any storage. */
export function lockSuite(name: string, open: () => Promise<Storage>): void {
  const opened = async (): Promise<Subject> => {
    const storage = await open();
    const clock = createFakeClock();
    return { storage, clock, lock: createLock(storage, clock, systemRandom) };
  };
  describe(`lock contract: ${name}`, () => {
    holding(opened);
    ordering(opened);
    waiting(opened);
    takingOver(opened);
    fencing(opened);
  });
}

type Open = () => Promise<Subject>;

function holding(open: Open): void {
  test('F1: a second holder is refused with LOCKED, and told who holds it since when', async () => {
    const { lock } = await open();
    await using _ = await lock.acquire(app, request);
    const { pid, host } = ownIdentity();
    await expect(lock.acquire(app, request)).rejects.toMatchObject({
      code: 'LOCKED',
      message: `target app is locked by a backup running as process ${pid} on ${host} since 2026-11-20T02:00:00.000Z`,
    });
  });

  test('a released lock leaves nothing behind and can be taken again', async () => {
    const { lock, storage } = await open();
    await (await lock.acquire(app, request))[Symbol.asyncDispose]();
    expect(await keysOf(storage)).toEqual([]);
    await (await lock.acquire(app, request))[Symbol.asyncDispose]();
  });

  test('locks of two targets do not touch each other', async () => {
    const { lock } = await open();
    await using first = await lock.acquire(app, request);
    await using second = await lock.acquire(parseTargetName('app2'), request);
    await first.confirm(patient);
    await second.confirm(patient);
  });

  test('of ten racing for a free lock exactly one gets it', async () => {
    const { lock } = await open();
    const outcomes = await Promise.allSettled(Array.from({ length: 10 }, () => lock.acquire(app, request)));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  test('a held lock is renewed every minute, and stays what it was', async () => {
    const { lock, storage, clock } = await open();
    await using lease = await lock.acquire(app, request);
    await lease.declare(['one'], patient);
    await clock.whenSleeping(1);
    await clock.advance(minuteMs);
    await clock.whenSleeping(1);
    const document = JSON.parse(await contentOf(storage, 'app/lock.json')) as Record<string, unknown>;
    expect(document).toMatchObject({
      renewedAt: '2026-11-20T02:01:00.000Z',
      since: '2026-11-20T02:00:00.000Z',
      work: ['one'],
    });
  });

  test('a renewal that fails once is tried again a minute later', async () => {
    const { storage, clock } = await open();
    let broken = false;
    const put: Storage['put'] = (name, body, options) =>
      broken ? Promise.reject(new Error('the network is down')) : storage.put(name, body, options);
    await using lease = await createLock({ ...storage, put }, clock, systemRandom).acquire(app, request);
    for (const state of [true, false]) {
      broken = state;
      await clock.whenSleeping(1);
      await clock.advance(minuteMs);
    }
    await clock.whenSleeping(1);
    expect(JSON.parse(await contentOf(storage, 'app/lock.json'))).toMatchObject({
      renewedAt: '2026-11-20T02:02:00.000Z',
    });
    await lease.confirm(patient);
  });
}

function ordering(open: Open): void {
  test('a renewal that is slow does not put its list of work over a newer one', async () => {
    const { storage, clock } = await open();
    let slow: PromiseWithResolvers<void> | undefined;
    const begun = Promise.withResolvers<void>();
    const put: Storage['put'] = async (name, body, options) => {
      const wait = slow;
      slow = undefined;
      if (wait !== undefined) begun.resolve();
      await wait?.promise;
      await storage.put(name, body, options);
    };
    await using lease = await createLock({ ...storage, put }, clock, systemRandom).acquire(app, request);
    await clock.whenSleeping(1);
    const gate = Promise.withResolvers<void>();
    slow = gate;
    await clock.advance(minuteMs);
    await begun.promise;
    const declared = lease.declare(['one'], patient);
    await new Promise(setImmediate);
    gate.resolve();
    await declared;
    await clock.whenSleeping(1);
    expect(JSON.parse(await contentOf(storage, 'app/lock.json'))).toMatchObject({ work: ['one'] });
    lease.settle();
  });
}

function waiting(open: Open): void {
  test('a waiter says once whom it waits for, and gets the lock when it is released', async () => {
    const { lock, clock } = await open();
    const first = await lock.acquire(app, request);
    const holders: string[] = [];
    const second = lock.acquire(app, { ...request, waitMs: minuteMs, onWait: (holder) => holders.push(holder) });
    for (let turn = 0; turn < 3; turn++) {
      // The holder's renewal sleeps too.
      await clock.whenSleeping(2);
      await clock.advance(500);
    }
    await clock.whenSleeping(2);
    await first[Symbol.asyncDispose]();
    await clock.advance(500);
    await using lease = await second;
    await lease.confirm(patient);
    expect(holders).toHaveLength(1);
    expect(holders[0]).toContain(`process ${process.pid}`);
  });

  test('a waiter gives up when its time is over, not before, and says how long it waited', async () => {
    const { lock, clock } = await open();
    await using _ = await lock.acquire(app, request);
    let settled = false;
    const second = lock.acquire(app, { ...request, waitMs: 2_200 }).finally(() => (settled = true));
    second.catch(() => undefined);
    for (let waited = 0; waited < 2_200; waited += 100) {
      await clock.whenSleeping(2);
      expect(settled).toBe(false);
      await clock.advance(100);
    }
    await expect(second).rejects.toMatchObject({
      code: 'LOCKED',
      message: expect.stringContaining('after waiting 2 s'),
    });
    expect(clock.now().toISOString()).toBe('2026-11-20T02:00:02.200Z');
  });

  test('A2: an abort ends the waiting at once with its reason', async () => {
    const { lock, clock } = await open();
    await using _ = await lock.acquire(app, request);
    const stop = new AbortController();
    const second = lock.acquire(app, { ...request, waitMs: minuteMs, signal: stop.signal });
    await clock.whenSleeping(2);
    const reason = new Error('stopped by hand');
    stop.abort(reason);
    await expect(second).rejects.toBe(reason);
  });
}

function takingOver(open: Open): void {
  const dead: readonly (readonly [what: string, owner: Partial<ProcessIdentity>])[] = [
    // The highest number that Linux gives is 2^22.
    ['F3: the lock of a process that has ended', { pid: 4_194_304 }],
    ['F3: the lock of a process whose number now belongs to another', { pid: process.pid, start: '1' }],
  ];

  test.each(dead)('%s is taken over, with its unfinished work', async (_, owner) => {
    const { storage, lock, clock } = await open();
    await storage.put(key('app/lock.json'), bodyOf(lockOf(owner, clock.now(), ['20261119T020000Z-00000001'])), patient);
    const lease = await lock.acquire(app, request);
    expect(lease.inherited).toEqual(['20261119T020000Z-00000001']);
    await lease.confirm(patient);
    lease.settle();
    await lease[Symbol.asyncDispose]();
    expect(await keysOf(storage)).toEqual([]);
  });

  test('unfinished work is handed on by a release without settling, own and inherited, and the lock is free at once', async () => {
    const { storage, lock, clock } = await open();
    await storage.put(key('app/lock.json'), bodyOf(lockOf({ pid: 4_194_304 }, clock.now(), ['left'])), patient);
    await (await lock.acquire(app, request))[Symbol.asyncDispose]();
    const second = await lock.acquire(app, request);
    expect(second.inherited).toEqual(['left']);
    await second.declare(['own'], patient);
    await second[Symbol.asyncDispose]();
    const third = await lock.acquire(app, request);
    expect(third.inherited).toEqual(['own']);
    third.settle();
    await third[Symbol.asyncDispose]();
    expect(await keysOf(storage)).toEqual([]);
  });

  test('F3: the lock of a live process is not taken over, however old it is', async () => {
    const { storage, lock, clock } = await open();
    await storage.put(key('app/lock.json'), bodyOf(lockOf({}, new Date(0))), patient);
    await clock.advance(1_000 * minuteMs);
    await expect(lock.acquire(app, request)).rejects.toMatchObject({ code: 'LOCKED' });
  });

  test('F4: the lock of another machine holds until it was not renewed for fifteen minutes', async () => {
    const { storage, lock, clock } = await open();
    await storage.put(key('app/lock.json'), bodyOf(lockOf(elsewhere, clock.now())), patient);
    await clock.advance(15 * minuteMs);
    await expect(lock.acquire(app, request)).rejects.toMatchObject({ code: 'LOCKED' });
    await clock.advance(1);
    await using lease = await lock.acquire(app, request);
    await lease.confirm(patient);
  });

  test('who finds an abandoned takeover carries it on', async () => {
    const { storage, lock, clock } = await open();
    await storage.put(key('app/lock.json'), bodyOf(lockOf({ pid: 4_194_304 }, clock.now(), ['work'])), patient);
    const claim = lockOf({ pid: 4_194_303 }, clock.now()).replace('d'.repeat(32), 'e'.repeat(32));
    await storage.put(key('app/claim.json'), bodyOf(claim), patient);
    const acquired = lock.acquire(app, request);
    await clock.whenSleeping(1);
    await clock.advance(20);
    const lease = await acquired;
    expect(lease.inherited).toEqual(['work']);
    lease.settle();
    await lease[Symbol.asyncDispose]();
    expect(await keysOf(storage)).toEqual([]);
  });

  /** A lock, or a claim, whose file was last changed so long before the clock's time. */
  const written = async (name: string, text: string, agoMs: number): Promise<Subject> => {
    const { storage, clock } = await open();
    await storage.put(key(name), bodyOf(text), patient);
    const modifiedAt = new Date(clock.now().getTime() - agoMs);
    const stat: Storage['stat'] = async (...args) => {
      const info = await storage.stat(...args);
      return info && { ...info, modifiedAt };
    };
    return { storage, clock, lock: createLock({ ...storage, stat }, clock, systemRandom) };
  };

  test.each([
    ['', minuteMs],
    ['no json', minuteMs],
    ['{}', 1_000 * minuteMs],
    ['[1]', 1_000 * minuteMs],
    ['null', 1_000 * minuteMs],
  ])('a lock that reads %j is DAMAGED after %i ms, and is not taken', async (text, agoMs) => {
    const { storage, lock } = await written('app/lock.json', text, agoMs);
    await expect(lock.acquire(app, request)).rejects.toMatchObject({ code: 'DAMAGED' });
    expect(await contentOf(storage, 'app/lock.json')).toBe(text);
  });

  test.each(['', '{"nonce": "dd'])('a lock that reads %j for more than a minute is nobody’s', async (text) => {
    const { storage, lock } = await written('app/lock.json', text, minuteMs + 1);
    const lease = await lock.acquire(app, request);
    expect(lease.inherited).toEqual([]);
    await lease.confirm(patient);
    await lease[Symbol.asyncDispose]();
    expect(await keysOf(storage)).toEqual([]);
  });

  test('an empty claim of more than a minute is nobody’s', async () => {
    const { storage, lock } = await written('app/claim.json', '', minuteMs + 1);
    await (await lock.acquire(app, request))[Symbol.asyncDispose]();
    expect(await keysOf(storage)).toEqual([]);
  });
}

function fencing(open: Open): void {
  test('F5, A10: confirm and declare fail once another holder has taken over, and its lock stays', async () => {
    const { storage, lock, clock } = await open();
    const frozen = await lock.acquire(app, request);
    const other = lockOf(elsewhere, clock.now());
    await storage.put(key('app/lock.json'), bodyOf(other), patient);
    await expect(frozen.confirm(patient)).rejects.toMatchObject({
      code: 'LOCKED',
      message: expect.stringContaining('another-host'),
    });
    await expect(frozen.declare(['x'], patient)).rejects.toMatchObject({ code: 'LOCKED' });
    await frozen[Symbol.asyncDispose]();
    expect(await contentOf(storage, 'app/lock.json')).toBe(other);
  });

  test('F5: a renewal after a takeover does not take the lock back', async () => {
    const { storage, lock, clock } = await open();
    await using _ = await lock.acquire(app, request);
    const other = lockOf(elsewhere, clock.now());
    await storage.put(key('app/lock.json'), bodyOf(other), patient);
    await clock.whenSleeping(1);
    await clock.advance(minuteMs);
    expect(await contentOf(storage, 'app/lock.json')).toBe(other);
  });

  test('F11: confirm fails when the lock was removed', async () => {
    const { storage, lock } = await open();
    const lease = await lock.acquire(app, request);
    await storage.remove(key('app/lock.json'), patient);
    await expect(lease.confirm(patient)).rejects.toMatchObject({ code: 'LOCKED' });
    await lease[Symbol.asyncDispose]();
  });

  test('a release that fails is told and does not throw', async () => {
    const { storage, clock } = await open();
    const remove: Storage['remove'] = () => Promise.reject(new Error('read-only now'));
    const failures: unknown[] = [];
    const lock = createLock({ ...storage, remove }, clock, systemRandom);
    const lease = await lock.acquire(app, { ...request, onReleaseFailure: (error) => failures.push(error) });
    await lease[Symbol.asyncDispose]();
    expect(failures).toEqual([new Error('read-only now')]);
  });
}
