import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PutBucketPolicyCommand } from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { backup } from '../../src/operations/backup.ts';
import { bodyOf, key, keysOf, patient } from '../support/bodies.ts';
import { backupRequest } from '../support/operations.ts';
import { createBucket, type TestBucket } from '../support/s3/bucket.ts';
import { makeDatabase } from '../support/small-database.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { createTestPorts } from '../support/test-ports.ts';

/** What docs/s3.md lets a machine remove that must not remove backups: names of objects below the prefix. */
function removableInDocs(): readonly string[] {
  const text = readFileSync(new URL('../../docs/s3.md', import.meta.url), 'utf8');
  const names = Array.from(text.matchAll(/arn:aws:s3:::example-backups\/shop\/\*\/([^"]+)"/g), ([, name = '']) => name);
  if (names.length === 0) throw new Error('docs/s3.md has no such policy');
  return names;
}

/** Forbids to remove anything but objects of these names. */
async function forbidRemoval({ client, name }: TestBucket, exceptions: readonly string[]): Promise<void> {
  const all = `arn:aws:s3:::${name}/shop/*`;
  const scope =
    exceptions.length === 0 ? { Resource: all } : { NotResource: exceptions.map((path) => `${all}/${path}`) };
  const deny = { Effect: 'Deny', Principal: '*', Action: 's3:DeleteObject', ...scope };
  const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [deny] });
  await client.send(new PutBucketPolicyCommand({ Bucket: name, Policy }));
}

test('with the right to remove locks alone, one backup after the other is made, and no lock stays', async () => {
  const bucket = await createBucket();
  await forbidRemoval(bucket, removableInDocs());
  const storage = bucket.open({ prefix: 'shop' });
  const folder = await temporaryFolder();
  const source = makeDatabase(join(folder, 'app.db'), { mark: 'm', rows: 20 });
  const { ports, events } = createTestPorts({ temporaryFolder: folder });
  for (let count = 1; count <= 2; count++) await backup(backupRequest(source, storage, ports), ports);
  const keys = await keysOf(storage);
  expect(keys.filter((each) => each.endsWith('/manifest.json'))).toHaveLength(2);
  expect(keys.filter((each) => /(lock|claim)\.json$/.test(each))).toEqual([]);
  expect(events.filter(({ type }) => type === 'warning')).toEqual([]);
  const manifest = key(keys.find((each) => each.endsWith('/manifest.json')) ?? '');
  await expect(storage.remove(manifest, patient)).rejects.toMatchObject({
    message: expect.stringContaining('no permission'),
  });
  expect(readdirSync(folder)).toEqual(['app.db']);
});

test('the store of the tests heeds such a policy', async () => {
  const bucket = await createBucket();
  await forbidRemoval(bucket, []);
  const storage = bucket.open({ prefix: 'shop' });
  await storage.put(key('app/lock.json'), bodyOf('x'), patient);
  await expect(storage.remove(key('app/lock.json'), patient)).rejects.toMatchObject({
    message: expect.stringContaining('no permission'),
    hint: expect.stringContaining('s3:DeleteObject'),
  });
});
