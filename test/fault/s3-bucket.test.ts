import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { CreateMultipartUploadCommand, HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { bodyOf, infosOf, key, keysOf, noise, patient } from '../support/bodies.ts';
import { createBucket } from '../support/s3/bucket.ts';

const uploader = fileURLToPath(new URL('../support/s3/upload-and-wait.ts', import.meta.url));

test('kill -9 in the middle of an upload leaves nothing visible, and unfinished finds it and takes it back', async () => {
  const { name, access, open, leftovers } = await createBucket();
  const before = new Date(Date.now() - 2_000);
  const child = spawn(process.execPath, [uploader, name, JSON.stringify(access)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'close');
  const storage = open();
  expect(await keysOf(storage)).toEqual([]);
  expect(await storage.stat(key('app/large'), patient)).toBeUndefined();
  const [found, ...others] = await Array.fromAsync(storage.unfinished('app', patient));
  expect(others).toEqual([]);
  expect(found?.key).toBe('app/large');
  expect(found?.startedAt.getTime()).toBeGreaterThan(before.getTime());
  await found?.discard(patient);
  await found?.discard(patient);
  expect(await leftovers()).toEqual([]);
});

test('unfinished uploads below another prefix are not seen', async () => {
  const { client, name, open } = await createBucket();
  for (const Key of ['app/a', 'apple/b', 'x/app/c', '../d']) {
    await client.send(new CreateMultipartUploadCommand({ Bucket: name, Key }));
  }
  const keysIn = async (prefix: string): Promise<string[]> =>
    (await Array.fromAsync(open().unfinished(prefix, patient))).map(({ key }) => key);
  expect(await keysIn('app')).toEqual(['app/a']);
  expect(await keysIn('')).toEqual(['app/a', 'apple/b', 'x/app/c']);
});

test('names that could not be keys are no objects of ours', async () => {
  const { client, name, open } = await createBucket();
  for (const Key of [
    'app/ok',
    '../up',
    'app//twice',
    'app/',
    '.hidden',
    'app/sp ace',
    'app/ü',
    'app/\u0001x',
    'app/a+b',
  ]) {
    await client.send(new PutObjectCommand({ Bucket: name, Key, Body: 'x' }));
  }
  expect(await keysOf(open())).toEqual(['app/a+b', 'app/ok']);
});

test('a lock is set where the storage was set up for it, and told by stat', async () => {
  const bucket = await createBucket({ lock: true });
  const storage = bucket.open({ settings: { lock: 'retention' } });
  const until = new Date(Math.ceil(Date.now() / 1000) * 1000 + 3_600_000);
  await storage.put(key('app/a'), bodyOf('x'), { ...patient, lockUntil: until });
  await storage.put(key('app/large'), bodyOf(noise(9_000_000)), { ...patient, lockUntil: until });
  await storage.put(key('app/held'), bodyOf('x'), { ...patient, lockUntil: 'forever' });
  await storage.put(key('app/free'), bodyOf('x'), patient);
  const locks = await Promise.all(
    (await infosOf(storage)).map(async (info) => (await storage.stat(info.key, patient))?.lockedUntil),
  );
  expect(locks).toEqual([until, undefined, 'forever', until]);
  await bucket.open().put(key('app/b'), bodyOf('x'), { ...patient, lockUntil: until });
  expect((await storage.stat(key('app/b'), patient))?.lockedUntil).toBeUndefined();
  const head = await bucket.client.send(new HeadObjectCommand({ Bucket: bucket.name, Key: 'app/a' }));
  expect(head.ObjectLockMode).toBe('GOVERNANCE');
});

test('a lock on a bucket that has none is explained, and nothing is stored', async () => {
  const bucket = await createBucket();
  const storage = bucket.open({ settings: { lock: 'retention' } });
  const put = storage.put(key('app/a'), bodyOf('x'), { ...patient, lockUntil: new Date(Date.now() + 3_600_000) });
  await expect(put).rejects.toMatchObject({ code: 'STORAGE_FAILED', hint: expect.stringContaining('Object lock') });
  expect(await bucket.leftovers()).toEqual([]);
});
