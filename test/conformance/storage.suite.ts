import { describe, expect, onTestFinished, test } from 'vitest';
import type { Storage } from '../../src/core/ports/storage.ts';
import {
  bodyOf,
  bytesOf,
  contentOf,
  failingBody,
  infosOf,
  key,
  keysOf,
  noise,
  patient,
  stuckBody,
} from '../support/bodies.ts';

/** A storage under test, and a second look at what it left behind. */
export interface StorageUnderTest {
  readonly storage: Storage;
  /** Names of everything there once it is disposed, whether it is an object or not. */
  leftovers(): Promise<readonly string[]>;
}

/** The contract of src/core/ports/storage.ts. Every adapter and every wrapper passes it. */
export function storageSuite(name: string, open: () => Promise<StorageUnderTest>): void {
  const opened = async (): Promise<StorageUnderTest> => {
    const subject = await open();
    onTestFinished(() => subject.storage[Symbol.asyncDispose]());
    return subject;
  };
  describe(`storage contract: ${name}`, () => {
    readingAndWriting(opened);
    failing(opened);
    listing(opened);
    racing(opened);
  });
}

type Open = () => Promise<StorageUnderTest>;

function readingAndWriting(open: Open): void {
  test('an object is visible to get, stat and list as soon as its put has resolved', async () => {
    const { storage } = await open();
    await storage.put(key('app/one'), bodyOf('hel', 'lo'), patient);
    expect(await contentOf(storage, 'app/one')).toBe('hello');
    const info = await storage.stat(key('app/one'), patient);
    expect(info).toMatchObject({ key: 'app/one', bytes: 5 });
    expect(info?.modifiedAt).toBeInstanceOf(Date);
    expect(await infosOf(storage)).toEqual([info]);
  });

  test('an empty object is an object', async () => {
    const { storage } = await open();
    await storage.put(key('app/empty'), bodyOf(), patient);
    expect(await contentOf(storage, 'app/empty')).toBe('');
    expect(await storage.stat(key('app/empty'), patient)).toMatchObject({ bytes: 0 });
    expect(await keysOf(storage)).toEqual(['app/empty']);
  });

  test('five megabytes come back byte for byte', async () => {
    const { storage } = await open();
    const bytes = noise(5_000_000);
    const pieces = [bytes.subarray(0, 1), bytes.subarray(1, 70_000), bytes.subarray(70_000)];
    await storage.put(key('app/large'), bodyOf(...pieces), patient);
    expect((await bytesOf(await storage.get(key('app/large'), patient))).equals(bytes)).toBe(true);
  });

  test('a put without ifAbsent replaces what is there', async () => {
    const { storage } = await open();
    await storage.put(key('app/a'), bodyOf('a longer old one'), patient);
    await storage.put(key('app/a'), bodyOf('new'), patient);
    expect(await contentOf(storage, 'app/a')).toBe('new');
    expect(await infosOf(storage)).toMatchObject([{ key: 'app/a', bytes: 3 }]);
  });

  test('get of an absent key fails with OBJECT_MISSING', async () => {
    const { storage } = await open();
    await expect(storage.get(key('app/absent'), patient)).rejects.toMatchObject({ code: 'OBJECT_MISSING' });
    await storage.put(key('app/file'), bodyOf('x'), patient);
    for (const absent of ['app/other', 'app/file/below', 'app']) {
      await expect(storage.get(key(absent), patient)).rejects.toMatchObject({ code: 'OBJECT_MISSING' });
    }
  });

  test('stat of an absent key gives undefined, also below an object and for a folder', async () => {
    const { storage } = await open();
    expect(await storage.stat(key('app/absent'), patient)).toBeUndefined();
    await storage.put(key('app/file'), bodyOf('x'), patient);
    expect(await storage.stat(key('app/file/below'), patient)).toBeUndefined();
    expect(await storage.stat(key('app'), patient)).toBeUndefined();
  });

  test('remove of an absent key succeeds, and a removed object is gone from every view', async () => {
    const { storage } = await open();
    await storage.remove(key('app/absent'), patient);
    await storage.put(key('app/a'), bodyOf('x'), patient);
    await storage.put(key('app/b'), bodyOf('y'), patient);
    await storage.remove(key('app/a'), patient);
    await storage.remove(key('app/a'), patient);
    await storage.remove(key('app/b/below'), patient);
    expect(await storage.stat(key('app/a'), patient)).toBeUndefined();
    await expect(storage.get(key('app/a'), patient)).rejects.toMatchObject({ code: 'OBJECT_MISSING' });
    expect(await keysOf(storage)).toEqual(['app/b']);
  });

  test('a name is free again after its object and all beside it were removed', async () => {
    const { storage } = await open();
    await storage.put(key('app/x/one'), bodyOf('1'), patient);
    await storage.remove(key('app/x/one'), patient);
    await storage.put(key('app/x/one'), bodyOf('2'), { ...patient, ifAbsent: true });
    expect(await contentOf(storage, 'app/x/one')).toBe('2');
  });

  test('its label says where it is', async () => {
    const { storage } = await open();
    expect(storage.label).not.toBe('');
  });
}

function failing(open: Open): void {
  const late = noise(3_000_000);
  const variants: readonly (readonly [when: string, pieces: readonly Uint8Array[]])[] = [
    ['before its first byte', []],
    ['after its first byte', [late.subarray(0, 1)]],
    ['after three megabytes', [late.subarray(0, 2_000_000), late.subarray(2_000_000)]],
  ];

  test.each(variants)('a body that fails %s leaves nothing visible', async (_, pieces) => {
    const { storage, leftovers } = await open();
    const failure = storage.put(key('app/a'), failingBody(new Error('source broke'), ...pieces), patient);
    await expect(failure).rejects.toMatchObject({
      name: 'DbopsError',
      message: expect.stringContaining('source broke'),
    });
    expect(await storage.stat(key('app/a'), patient)).toBeUndefined();
    await expect(storage.get(key('app/a'), patient)).rejects.toMatchObject({ code: 'OBJECT_MISSING' });
    expect(await keysOf(storage)).toEqual([]);
    await storage[Symbol.asyncDispose]();
    expect(await leftovers()).toEqual([]);
  });

  test.each(variants)('a body that fails %s leaves the old object as it was', async (_, pieces) => {
    const { storage } = await open();
    await storage.put(key('app/a'), bodyOf('old'), patient);
    const failure = storage.put(key('app/a'), failingBody(new Error('source broke'), ...pieces), patient);
    await expect(failure).rejects.toThrow('source broke');
    expect(await contentOf(storage, 'app/a')).toBe('old');
  });

  test('an abort in the middle of a body that never ends rejects with its reason and leaves nothing', async () => {
    const { storage, leftovers } = await open();
    const stop = new AbortController();
    const reason = new Error('stopped by hand');
    const body = stuckBody(noise(100_000), () => stop.abort(reason));
    await expect(storage.put(key('app/a'), body, { signal: stop.signal })).rejects.toBe(reason);
    expect(body.destroyed).toBe(true);
    expect(await keysOf(storage)).toEqual([]);
    await storage[Symbol.asyncDispose]();
    expect(await leftovers()).toEqual([]);
  });

  test('nothing is started once the signal is aborted', async () => {
    const { storage } = await open();
    await storage.put(key('app/a'), bodyOf('old'), patient);
    const reason = new Error('stopped before');
    const options = { signal: AbortSignal.abort(reason) };
    await expect(storage.put(key('app/a'), bodyOf('new'), options)).rejects.toBe(reason);
    await expect(storage.remove(key('app/a'), options)).rejects.toBe(reason);
    await expect(storage.get(key('app/a'), options)).rejects.toBe(reason);
    await expect(Array.fromAsync(storage.list('', options))).rejects.toBe(reason);
    expect(await contentOf(storage, 'app/a')).toBe('old');
  });

  test('ifAbsent refuses a taken key with OBJECT_EXISTS and keeps what is there', async () => {
    const { storage, leftovers } = await open();
    await storage.put(key('app/a'), bodyOf('first'), { ...patient, ifAbsent: true });
    const second = storage.put(key('app/a'), bodyOf('second'), { ...patient, ifAbsent: true });
    await expect(second).rejects.toMatchObject({ code: 'OBJECT_EXISTS' });
    expect(await contentOf(storage, 'app/a')).toBe('first');
    await storage[Symbol.asyncDispose]();
    expect(await leftovers()).toEqual(['app/a']);
  });
}

function listing(open: Open): void {
  test('list yields every key once, ascending by code unit, through nested folders', async () => {
    const { storage } = await open();
    const names = ['a/b/c', 'a/b/c2/d', 'a/b-c', 'a/b0', 'a-b', 'ab/c', 'B', 'a/_x', 'a/=y', 'a/Z', 'z', 'a0/b'];
    for (const name of names) await storage.put(key(name), bodyOf(name), patient);
    expect(await keysOf(storage)).toEqual(names.toSorted());
  });

  test('a prefix ends at a border: `a` lists `a/b`, not `a` itself, `ab/c` or `a.txt`', async () => {
    const { storage } = await open();
    for (const name of ['a/b', 'a/c/d', 'ab/c', 'a.txt', 'b']) await storage.put(key(name), bodyOf('x'), patient);
    expect(await keysOf(storage, 'a')).toEqual(['a/b', 'a/c/d']);
    expect(await keysOf(storage, 'a/c')).toEqual(['a/c/d']);
    expect(await keysOf(storage, 'b')).toEqual([]);
    expect(await keysOf(storage, 'absent/x')).toEqual([]);
  });

  test('an empty storage lists nothing', async () => {
    const { storage } = await open();
    expect(await keysOf(storage)).toEqual([]);
    expect(await keysOf(storage, 'app')).toEqual([]);
  });

  test('more than a thousand keys are all listed', async () => {
    const { storage } = await open();
    const names = Array.from(
      { length: 1_050 },
      (_, index) => `app/${String(index % 7)}/n${String(index).padStart(5, '0')}`,
    );
    await Promise.all(names.map((name) => storage.put(key(name), bodyOf('x'), patient)));
    expect(await keysOf(storage)).toEqual(names.toSorted());
  });
}

function racing(open: Open): void {
  test('of twenty racing creators exactly one wins, and its bytes are what is there', async () => {
    const { storage, leftovers } = await open();
    const attempts = Array.from({ length: 20 }, async (_, index) => {
      await storage.put(key('app/lock'), bodyOf(`creator ${index}`), { ...patient, ifAbsent: true });
      return `creator ${index}`;
    });
    const outcomes = await Promise.allSettled(attempts);
    const winners = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
    const losers = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []));
    expect(winners).toHaveLength(1);
    for (const loser of losers) expect(loser).toMatchObject({ code: 'OBJECT_EXISTS' });
    expect(await contentOf(storage, 'app/lock')).toBe(winners[0]);
    await storage[Symbol.asyncDispose]();
    expect(await leftovers()).toEqual(['app/lock']);
  });

  test('readers beside an overwriting writer see one version or another, never a mixture', async () => {
    const { storage } = await open();
    const version = (number: number): Buffer => Buffer.alloc(400_000, number);
    await storage.put(key('app/a'), bodyOf(version(0)), patient);
    const writing = new AbortController();
    const seen: number[] = [];
    const reader = async (): Promise<void> => {
      while (!writing.signal.aborted) {
        const bytes = await bytesOf(await storage.get(key('app/a'), patient));
        const [first = -1] = bytes;
        expect(bytes.equals(version(first))).toBe(true);
        seen.push(first);
      }
    };
    const writer = async (): Promise<void> => {
      for (let number = 1; number <= 40; number++) {
        const bytes = version(number);
        await storage.put(key('app/a'), bodyOf(bytes.subarray(0, 100_000), bytes.subarray(100_000)), patient);
      }
      writing.abort();
    };
    await Promise.all([writer(), reader(), reader()]);
    expect(seen.length).toBeGreaterThan(2);
  });

  test('many puts at once do not disturb each other', async () => {
    const { storage } = await open();
    const names = Array.from({ length: 50 }, (_, index) => `app/${index % 5}/${index}`);
    await Promise.all(names.map((name) => storage.put(key(name), bodyOf('the body of ', name), patient)));
    for (const name of names) expect(await contentOf(storage, name)).toBe(`the body of ${name}`);
  });
}
