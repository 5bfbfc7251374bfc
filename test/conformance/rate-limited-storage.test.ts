import { once } from 'node:events';
import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import type { Storage } from '../../src/core/ports/storage.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { createLocalStorage } from '../../src/storage/local/local-storage.ts';
import { createMemoryStorage } from '../../src/storage/memory/memory-storage.ts';
import { withRateLimit } from '../../src/storage/wrap/rate-limited.ts';
import { bodyOf, key, keysOf, noise, patient, stuckBody } from '../support/bodies.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { filesBelow } from '../support/file-tree.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { storageSuite } from './storage.suite.ts';

const fast = 200_000_000;

storageSuite('rate-limited memory', async () => {
  const storage = createMemoryStorage();
  return { storage: withRateLimit(storage, fast, systemClock), leftovers: () => keysOf(storage) };
});

storageSuite('rate-limited local', async () => {
  const folder = await temporaryFolder();
  return {
    storage: withRateLimit(createLocalStorage(folder), fast, systemClock),
    leftovers: () => filesBelow(folder),
  };
});

test('puts at once share one rate, and hold their sources back', async () => {
  const clock = createFakeClock();
  const storage = withRateLimit(createMemoryStorage(), 10_000, clock);
  let produced = 0;
  const source = async function* (): AsyncGenerator<Buffer> {
    for (let pieces = 0; pieces < 50; pieces++) {
      produced += 1_000;
      yield noise(1_000);
    }
  };
  const done = new AbortController();
  const bodies = ['a', 'b'].map(
    (name) => [key(`app/${name}`), Readable.from(source(), { objectMode: false })] as const,
  );
  const puts = Promise.all(bodies.map(([name, body]) => storage.put(name, body, patient))).then(() => done.abort());
  let passedMs = 0;
  while (!done.signal.aborted) {
    await Promise.race([puts, clock.whenSleeping(1)]);
    expect(produced, `after ${passedMs} ms`).toBeLessThanOrEqual(passedMs * 10 + 2 * 20_000);
    await clock.advance(100);
    passedMs += 100;
  }
  expect(passedMs).toBeGreaterThanOrEqual(9_800);
  expect(passedMs).toBeLessThanOrEqual(10_200);
  expect(await keysOf(storage)).toEqual(['app/a', 'app/b']);
});

test('an abort while bytes wait for their turn ends the put with its reason', async () => {
  const clock = createFakeClock();
  const storage = withRateLimit(createMemoryStorage(), 1_000, clock);
  const stop = new AbortController();
  const body = bodyOf(noise(50_000));
  const put = storage.put(key('app/a'), body, { signal: stop.signal });
  await clock.whenSleeping(1);
  const reason = new Error('stopped by hand');
  stop.abort(reason);
  await expect(put).rejects.toBe(reason);
  expect(body.destroyed).toBe(true);
  expect(await keysOf(storage)).toEqual([]);
});

test('an abort while the source gives nothing destroys the source', async () => {
  const storage = withRateLimit(createMemoryStorage(), fast, systemClock);
  const stop = new AbortController();
  const reason = new Error('stopped by hand');
  const body = stuckBody(noise(1_000), () => setTimeout(() => stop.abort(reason), 20));
  await expect(storage.put(key('app/a'), body, { signal: stop.signal })).rejects.toBe(reason);
  expect(body.destroyed).toBe(true);
});

test('a source that breaks before it is read fails the put, and nothing else', async () => {
  const inner = createMemoryStorage();
  const put: Storage['put'] = async (name, body, options) => {
    await new Promise(setImmediate);
    return inner.put(name, body, options);
  };
  const body = bodyOf('never read');
  const failure = withRateLimit({ ...inner, put }, fast, systemClock).put(key('app/a'), body, patient);
  body.destroy(new Error('broke early'));
  await expect(failure).rejects.toThrow('broke early');
});

test('a put that fails before it reads lets go of its source', async () => {
  const put: Storage['put'] = () => Promise.reject(new Error('no such place'));
  const body = bodyOf(...Array.from({ length: 50 }, () => noise(100_000)));
  const closed = once(body, 'close');
  const failure = withRateLimit({ ...createMemoryStorage(), put }, fast, systemClock).put(key('app/a'), body, patient);
  await expect(failure).rejects.toThrow('no such place');
  await closed;
});
