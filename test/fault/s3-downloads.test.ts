import { expect, test } from 'vitest';
import { bodyOf, bytesOf, key, keysOf, noise, patient } from '../support/bodies.ts';
import type { Blow, Fault } from '../support/s3/proxy.ts';
import { answer, openScene } from '../support/s3/scene.ts';

const bytes = noise(3_000_000);

const passing: readonly (readonly [what: string, faults: readonly Omit<Fault, 'kind'>[]])[] = [
  ['is reset after a million bytes', [{ blow: { type: 'reset', after: 1_000_000 } }]],
  ['is reset twice', [{ times: 2, blow: { type: 'reset', after: 700_000 } }]],
  ['stalls after a million bytes', [{ blow: { type: 'stall', after: 1_000_000 } }]],
  ['is answered with 503 first', [{ blow: answer(503, 'SlowDown') }]],
];

test.each(passing)('a download that %s is whole in the end', async (_, faults) => {
  const all = faults.map((fault): Fault => ({ kind: 'get', ...fault }));
  const { bucket, store, storage } = await openScene(all, { patience: { stallMs: 500 } });
  await bucket.open().put(key('app/a'), bodyOf(bytes), patient);
  expect((await bytesOf(await storage.get(key('app/a'), patient))).equals(bytes)).toBe(true);
  expect(store.struck()).toBeGreaterThan(0);
});

test('a download goes on with the object it began with, or not at all', async () => {
  const { bucket, storage } = await openScene([{ kind: 'get', blow: { type: 'stall', after: 1_000_000 } }], {
    patience: { stallMs: 1_000 },
  });
  const plain = bucket.open();
  await plain.put(key('app/a'), bodyOf(bytes), patient);
  const source = await storage.get(key('app/a'), patient);
  await plain.put(key('app/a'), bodyOf(noise(3_000_000, 7)), patient);
  await expect(bytesOf(source)).rejects.toMatchObject({
    code: 'STORAGE_FAILED',
    message: expect.stringContaining('was replaced'),
  });
});

test('a download that breaks off again and again without a new byte fails', async () => {
  const faults: Fault[] = [
    { kind: 'get', blow: { type: 'reset', after: 1_000_000 } },
    { kind: 'get', nth: 2, times: Infinity, blow: { type: 'reset', after: 0 } },
  ];
  const { bucket, storage } = await openScene(faults, { patience: { budgetMs: 1_000 } });
  await bucket.open().put(key('app/a'), bodyOf(bytes), patient);
  await expect(bytesOf(await storage.get(key('app/a'), patient))).rejects.toMatchObject({ code: 'STORAGE_FAILED' });
});

test('an abort in the middle of a download ends it with its reason', async () => {
  const { bucket, storage } = await openScene([{ kind: 'get', blow: { type: 'stall', after: 100_000 } }]);
  await bucket.open().put(key('app/a'), bodyOf(bytes), patient);
  const stop = new AbortController();
  const source = await storage.get(key('app/a'), { signal: stop.signal });
  source.once('data', () => stop.abort(new Error('stopped by hand')));
  await expect(bytesOf(source)).rejects.toMatchObject({ name: 'AbortError' });
});

test('an answer to a listing that breaks off in the middle is asked for again', async () => {
  const { bucket, store, storage } = await openScene([{ kind: 'list', blow: { type: 'shorten', by: 60 } }]);
  await bucket.open().put(key('app/a'), bodyOf('x'), patient);
  expect(await keysOf(storage)).toEqual(['app/a']);
  expect(store.struck()).toBe(1);
});

const refused: readonly (readonly [what: string, blow: Blow, message: RegExp, hint: RegExp])[] = [
  [
    'a bucket in another region',
    answer(301, 'PermanentRedirect', { 'x-amz-bucket-region': 'eu-west-3' }),
    /is in eu-west-3, not in the region us-east-1/,
    /Set AWS_REGION.*eu-west-3/,
  ],
  ['archived objects', answer(403, 'InvalidObjectState'), /is archived/, /Restore it in the store first/],
  ['no permission', answer(403, 'AccessDenied'), /no permission/, /Allow s3:GetObject on arn:aws:s3:::test-\w+\/\*/],
  [
    'clocks that differ',
    answer(403, 'RequestTimeTooSkewed', { date: 'Fri, 20 Nov 2026 03:04:05 GMT' }),
    /clocks differ too much \(there 2026-11-20T03:04:05.000Z, here 20/,
    /Set the clock/,
  ],
];

test.each(refused)('%s is explained', async (_, blow, message, hint) => {
  const { storage } = await openScene([{ kind: 'get', times: Infinity, blow }]);
  const failure = await storage.get(key('app/a'), patient).catch((error: unknown) => error);
  expect(failure).toMatchObject({
    code: 'STORAGE_FAILED',
    message: expect.stringMatching(message),
    hint: expect.stringMatching(hint),
  });
});

test('what HEAD is refused without a word, stat explains by the words of GET', async () => {
  const faults: Fault[] = [
    { kind: 'head', times: Infinity, blow: answer(403, '') },
    { kind: 'get', times: Infinity, blow: answer(400, 'ExpiredToken') },
  ];
  const { storage } = await openScene(faults);
  await expect(storage.stat(key('app/a'), patient)).rejects.toMatchObject({
    message: expect.stringContaining('expired'),
  });
});

test('what HEAD is refused without a word is put right by GET, and asked again', async () => {
  const faults: Fault[] = [
    { kind: 'head', blow: answer(400, '') },
    { kind: 'get', blow: answer(400, 'ExpiredToken') },
  ];
  const { bucket, store, storage } = await openScene(faults);
  await bucket.open().put(key('app/a'), bodyOf('x'), patient);
  expect(await storage.stat(key('app/a'), patient)).toMatchObject({ bytes: 1 });
  expect(store.struck()).toBe(2);
});

test('a missing permission to remove is named, and a list of uploads that a store does not keep is empty', async () => {
  const faults: Fault[] = [
    { kind: 'delete', times: Infinity, blow: answer(403, 'AccessDenied') },
    { kind: 'uploads', times: Infinity, blow: answer(501, 'NotImplemented') },
  ];
  const { storage } = await openScene(faults);
  await storage.put(key('app/a'), bodyOf('x'), patient);
  await expect(storage.remove(key('app/a'), patient)).rejects.toMatchObject({
    code: 'STORAGE_FAILED',
    hint: expect.stringContaining('s3:DeleteObject'),
  });
  expect(await Array.fromAsync(storage.unfinished('', patient))).toEqual([]);
});

test('a bucket that does not exist is told from an object that does not', async () => {
  const { bucket } = await openScene([]);
  const storage = bucket.open();
  const other = bucket.open({ bucket: 'no-such-bucket-anywhere' });
  await expect(storage.get(key('app/a'), patient)).rejects.toMatchObject({ code: 'OBJECT_MISSING' });
  await expect(other.get(key('app/a'), patient)).rejects.toMatchObject({
    code: 'STORAGE_FAILED',
    message: expect.stringContaining('there is no bucket no-such-bucket-anywhere'),
  });
});
