import { PutBucketLifecycleConfigurationCommand, PutBucketVersioningCommand } from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import type { StorageRemark } from '../../src/core/ports/storage.ts';
import { checkStorage } from '../../src/operations/check-storage.ts';
import { patient } from '../support/bodies.ts';
import { createBucket } from '../support/s3/bucket.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { createTestPorts } from '../support/test-ports.ts';

const levels = (remarks: readonly StorageRemark[]): object =>
  Object.fromEntries(remarks.map(({ name, level }) => [name, level]));

test('a plain bucket does all that backups need, and what its set-up lacks is said', async () => {
  const bucket = await createBucket();
  const { ports } = createTestPorts({ temporaryFolder: await temporaryFolder() });
  const remarks = await checkStorage(bucket.open({ prefix: 'here' }), ports, patient);
  expect(levels(remarks)).toEqual({
    write: 'fine',
    read: 'fine',
    list: 'fine',
    clock: 'fine',
    replace: 'fine',
    'conditional write': 'fine',
    'large object': 'fine',
    'broken upload': 'fine',
    delete: 'fine',
    versioning: 'fine',
    'object lock': 'fine',
    'unfinished uploads': 'note',
  });
  expect(await bucket.leftovers()).toEqual([]);
});

test('a versioned bucket without rules costs money, and one with rules does not', async () => {
  const bucket = await createBucket();
  const input = { Bucket: bucket.name };
  await bucket.client.send(
    new PutBucketVersioningCommand({ ...input, VersioningConfiguration: { Status: 'Enabled' } }),
  );
  expect(levels(await bucket.open().remarks(patient))).toMatchObject({ versioning: 'note' });
  const rule = {
    ID: 'clear',
    Status: 'Enabled',
    Filter: { Prefix: '' },
    NoncurrentVersionExpiration: { NoncurrentDays: 7 },
    AbortIncompleteMultipartUpload: { DaysAfterInitiation: 2 },
  } as const;
  await bucket.client.send(
    new PutBucketLifecycleConfigurationCommand({ ...input, LifecycleConfiguration: { Rules: [rule] } }),
  );
  expect(levels(await bucket.open().remarks(patient))).toMatchObject({
    versioning: 'fine',
    'unfinished uploads': 'fine',
  });
});

test('a lock that the bucket cannot give is a problem, and one that it can is not', async () => {
  const settings = { lock: 'retention' } as const;
  const plain = await createBucket();
  expect(levels(await plain.open({ settings }).remarks(patient))).toMatchObject({ 'object lock': 'problem' });
  const locking = await createBucket({ lock: true });
  expect(levels(await locking.open({ settings }).remarks(patient))).toMatchObject({ 'object lock': 'fine' });
});
