import { expect, test } from 'vitest';
import { systemClock } from '../../src/platform/clock.ts';
import { openS3Storage } from '../../src/storage/s3/open.ts';
import { bodyOf, contentOf, key, keysOf, patient } from '../support/bodies.ts';
import { createBucket } from '../support/s3/bucket.ts';

test('gs:// is reached by its S3 endpoint, and a taken key is refused without a condition that it may not know', async () => {
  const { name, access } = await createBucket();
  const { endpoint, accessKeyId, secretAccessKey } = access;
  const settings = { endpoint, accessKeyId, secretAccessKey };
  await using storage = openS3Storage({ location: `gs://${name}/deep`, folder: '/', settings }, {}, systemClock);
  expect(storage.label).toBe(`gs://${name}/deep`);
  await storage.put(key('app/a'), bodyOf('first'), { ...patient, ifAbsent: true });
  const second = storage.put(key('app/a'), bodyOf('second'), { ...patient, ifAbsent: true });
  await expect(second).rejects.toMatchObject({ code: 'OBJECT_EXISTS', message: expect.stringContaining('gs://') });
  expect(await contentOf(storage, 'app/a')).toBe('first');
  expect(await keysOf(storage)).toEqual(['app/a']);
});
