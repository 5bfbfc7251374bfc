import { expect, test } from 'vitest';
import { bodyOf, bytesOf, key, noise, patient } from '../support/bodies.ts';
import { createBucket } from '../support/s3/bucket.ts';
import { encryptStore, startWebProxy } from '../support/s3/tls.ts';

const bytes = noise(9_000_000);

test('a store with a certificate of its own is trusted by its file, in one request and in parts', async () => {
  const bucket = await createBucket();
  const { endpoint, certificate } = await encryptStore(bucket.access);
  const storage = bucket.open({ endpoint, settings: { caFile: certificate } });
  await storage.put(key('app/small'), bodyOf('x'), { ...patient, ifAbsent: true });
  await storage.put(key('app/large'), bodyOf(bytes), { ...patient, ifAbsent: true });
  expect((await bytesOf(await storage.get(key('app/large'), patient))).equals(bytes)).toBe(true);
});

test('a certificate that nobody vouches for is refused, with what to do', async () => {
  const bucket = await createBucket();
  const { endpoint } = await encryptStore(bucket.access);
  await expect(bucket.open({ endpoint }).stat(key('app/a'), patient)).rejects.toMatchObject({
    code: 'STORAGE_FAILED',
    message: expect.stringContaining('no trusted encrypted connection'),
    hint: expect.stringContaining('caFile'),
  });
});

test('everything goes through a proxy that is named', async () => {
  const bucket = await createBucket();
  const { endpoint, certificate } = await encryptStore(bucket.access);
  const proxy = await startWebProxy();
  const storage = bucket.open({ endpoint, settings: { caFile: certificate, proxy: proxy.url } });
  await storage.put(key('app/large'), bodyOf(bytes), patient);
  expect((await bytesOf(await storage.get(key('app/large'), patient))).equals(bytes)).toBe(true);
  expect(new Set(proxy.asked)).toEqual(new Set([new URL(endpoint).host]));
});

test.each(['always', 'required'] as const)(
  'a store that takes them gets checksums %s, and gives the bytes back',
  async (checksums) => {
    const bucket = await createBucket();
    const { endpoint, certificate } = await encryptStore(bucket.access);
    const storage = bucket.open({ endpoint, settings: { caFile: certificate, checksums } });
    await storage.put(key('app/small'), bodyOf('x'), patient);
    await storage.put(key('app/large'), bodyOf(bytes), patient);
    expect((await bytesOf(await storage.get(key('app/large'), patient))).equals(bytes)).toBe(true);
    expect(await storage.stat(key('app/small'), patient)).toMatchObject({ bytes: 1 });
  },
);
