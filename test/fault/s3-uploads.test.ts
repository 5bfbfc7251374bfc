import { expect, test } from 'vitest';
import { DbopsError } from '../../src/core/errors.ts';
import { bodyOf, bytesOf, contentOf, key, keysOf, noise, patient } from '../support/bodies.ts';
import { createBucket } from '../support/s3/bucket.ts';
import type { Blow, Fault } from '../support/s3/proxy.ts';
import { answer, openScene } from '../support/s3/scene.ts';

const large = noise(20_000_000);

const passing: readonly (readonly [what: string, fault: Omit<Fault, 'kind'>])[] = [
  ['answered with 500', { blow: answer(500, 'InternalError') }],
  ['answered with 503 SlowDown twice', { times: 2, blow: answer(503, 'SlowDown') }],
  ['answered with credentials that have just expired', { blow: answer(400, 'ExpiredToken') }],
  ['answered with clocks that differ', { blow: answer(403, 'RequestTimeTooSkewed') }],
  ['reset after 1000 bytes', { blow: { type: 'reset upload', after: 1_000 } }],
  ['reset before its answer', { blow: { type: 'reset', after: 0 } }],
];

test.each(passing)('a small object is stored although its request is %s', async (_, fault) => {
  const { bucket, store, storage } = await openScene([{ kind: 'put', ...fault }]);
  await storage.put(key('app/a'), bodyOf(noise(50_000)), { ...patient, ifAbsent: true });
  expect(store.struck()).toBeGreaterThan(0);
  expect((await bytesOf(await bucket.open().get(key('app/a'), patient))).equals(noise(50_000))).toBe(true);
  expect(await bucket.leftovers()).toEqual(['app/a']);
});

test.each(passing)('a large object is stored although one of its parts is %s', async (_, fault) => {
  const { bucket, store, storage } = await openScene([{ kind: 'part', nth: 2, ...fault }]);
  await storage.put(key('app/a'), bodyOf(large), { ...patient, ifAbsent: true });
  expect(store.struck()).toBeGreaterThan(0);
  expect((await bytesOf(await bucket.open().get(key('app/a'), patient))).equals(large)).toBe(true);
  expect(await bucket.leftovers()).toEqual(['app/a']);
});

test('a part that fails five times is tried a sixth time', async () => {
  const fault: Fault = { kind: 'part', about: 'partNumber=2', times: 5, blow: answer(500, 'InternalError') };
  const { bucket, store, storage } = await openScene([fault]);
  await storage.put(key('app/a'), bodyOf(large), patient);
  expect(store.struck()).toBe(5);
  expect((await bytesOf(await bucket.open().get(key('app/a'), patient))).equals(large)).toBe(true);
});

const lasting: readonly (readonly [code: string, status: number, message: RegExp, hint: RegExp])[] = [
  ['SlowDown', 503, /asks to slow down/, /limitRate/],
  ['InternalError', 500, /InternalError/, /^$/],
  ['AccessDenied', 403, /no permission/, /s3:PutObject on arn:aws:s3:::test-\w+\/\*/],
  ['ExpiredToken', 400, /credentials have expired/, /Get new ones/],
  ['QuotaExceeded', 403, /the store is full/, /Raise the quota/],
];

test.each(lasting)(
  'a part that is refused with %s for good fails the put, and leaves nothing',
  async (code, status, message, hint) => {
    const faults: Fault[] = [{ kind: 'part', nth: 2, times: Infinity, blow: answer(status, code) }];
    const { bucket, storage } = await openScene(faults, { patience: { budgetMs: 1_000 } });
    const failure = storage.put(key('app/a'), bodyOf(large), patient);
    await expect(failure).rejects.toMatchObject({
      name: 'DbopsError',
      code: code === 'QuotaExceeded' ? 'NO_SPACE' : 'STORAGE_FAILED',
      message: expect.stringMatching(message),
    });
    const hinted = await failure.catch((error: unknown) => (error instanceof DbopsError ? error.hint : undefined));
    expect(hinted ?? '').toMatch(hint);
    expect(await bucket.leftovers()).toEqual([]);
  },
);

test('a part that the store says it took with other bytes is sent again', async () => {
  const blow: Blow = { type: 'header', name: 'etag', value: '"00000000000000000000000000000000"' };
  const { bucket, store, storage } = await openScene([{ kind: 'part', blow }]);
  await storage.put(key('app/a'), bodyOf(large), patient);
  expect(store.struck()).toBe(1);
  expect(store.seen.filter((kind) => kind === 'part')).toHaveLength(4);
  expect((await bytesOf(await bucket.open().get(key('app/a'), patient))).equals(large)).toBe(true);
});

test.each(['put', 'part'] as const)(
  'a store that always answers a %s with another digest fails, and nothing stays',
  async (kind) => {
    const blow: Blow = { type: 'header', name: 'etag', value: '"00000000000000000000000000000000"' };
    const { bucket, storage } = await openScene([{ kind, times: Infinity, blow }]);
    const failure = storage.put(key('app/a'), bodyOf(kind === 'put' ? 'small' : large), patient);
    await expect(failure).rejects.toMatchObject({
      code: 'STORAGE_FAILED',
      message: expect.stringContaining('as it was sent'),
    });
    expect(await bucket.leftovers()).toEqual([]);
  },
);

const completions: readonly (readonly [what: string, blow: Blow])[] = [
  ['got lost', { type: 'reset', after: 0 }],
  ['was 500 although it was done', { type: 'lie', status: 500, code: 'InternalError' }],
  ['was 200 with an error in it', { type: 'answer', status: 200, code: 'InternalError' }],
];

test.each(completions)('a completion whose answer %s is found out about', async (_, blow) => {
  const { bucket, store, storage } = await openScene([{ kind: 'complete', blow }]);
  await storage.put(key('app/a'), bodyOf(large), { ...patient, ifAbsent: true });
  expect(store.struck()).toBe(1);
  expect((await bytesOf(await bucket.open().get(key('app/a'), patient))).equals(large)).toBe(true);
  expect(await bucket.leftovers()).toEqual(['app/a']);
});

test('a completion that was done and is denied for good counts as done', async () => {
  const faults: Fault[] = [
    { kind: 'complete', blow: { type: 'reset', after: 0 } },
    { kind: 'complete', times: Infinity, blow: answer(503, 'SlowDown') },
  ];
  const { bucket, storage } = await openScene(faults, { patience: { budgetMs: 1_000 } });
  await storage.put(key('app/a'), bodyOf(large), patient);
  expect(await bucket.leftovers()).toEqual(['app/a']);
});

test('a completion that ends in an error of 200 each time fails, and leaves nothing', async () => {
  const faults: Fault[] = [{ kind: 'complete', times: Infinity, blow: answer(200, 'InternalError') }];
  const { bucket, storage } = await openScene(faults, { patience: { budgetMs: 1_000 } });
  await expect(storage.put(key('app/a'), bodyOf(large), patient)).rejects.toMatchObject({ code: 'STORAGE_FAILED' });
  expect(await bucket.leftovers()).toEqual([]);
});

test('of a store without conditional writes a taken key is seen all the same', async () => {
  const faults: Fault[] = [{ kind: 'put', about: 'app/a', blow: answer(501, 'NotImplemented') }];
  const { storage } = await openScene(faults);
  await storage.put(key('app/a'), bodyOf('first'), { ...patient, ifAbsent: true });
  const second = storage.put(key('app/a'), bodyOf('second'), { ...patient, ifAbsent: true });
  await expect(second).rejects.toMatchObject({ code: 'OBJECT_EXISTS' });
  expect(await contentOf(storage, 'app/a')).toBe('first');
});

test('of a store that ignores conditions one of several writers wins all the same', async () => {
  // Ceph does so in buckets with versions.
  const bucket = await createBucket({ lock: true });
  const attempts = Array.from({ length: 5 }, (_, index) =>
    bucket.open().put(key('app/lock.json'), bodyOf(`writer ${index}`), { ...patient, ifAbsent: true }),
  );
  const outcomes = await Promise.allSettled(attempts);
  const winner = outcomes.findIndex(({ status }) => status === 'fulfilled');
  const losers = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []));
  expect(losers).toEqual(Array.from({ length: 4 }, () => expect.objectContaining({ code: 'OBJECT_EXISTS' })));
  expect(await contentOf(bucket.open(), 'app/lock.json')).toBe(`writer ${winner}`);
  const late = bucket.open().put(key('app/lock.json'), bodyOf('late'), { ...patient, ifAbsent: true });
  await expect(late).rejects.toMatchObject({ code: 'OBJECT_EXISTS' });
});

test('a large put of a taken key is refused, and what is there stays', async () => {
  const { bucket, storage } = await openScene([]);
  await storage.put(key('app/a'), bodyOf('first'), patient);
  const second = storage.put(key('app/a'), bodyOf(large), { ...patient, ifAbsent: true });
  await expect(second).rejects.toMatchObject({ code: 'OBJECT_EXISTS' });
  expect(await contentOf(storage, 'app/a')).toBe('first');
  expect(await bucket.leftovers()).toEqual(['app/a']);
});

test('a store that swallows a request is given up after a while, and asked again', async () => {
  const { bucket, store, storage } = await openScene([{ kind: 'put', blow: { type: 'stall', after: 0 } }], {
    patience: { stallMs: 300 },
  });
  await storage.put(key('app/a'), bodyOf('x'), { ...patient, ifAbsent: true });
  expect(store.seen.filter((kind) => kind === 'put').length).toBeGreaterThan(1);
  expect(await keysOf(bucket.open())).toEqual(['app/a']);
});
