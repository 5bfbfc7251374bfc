import { createBucket } from '../support/s3/bucket.ts';
import { storageSuite } from './storage.suite.ts';

storageSuite('s3', async () => {
  const bucket = await createBucket();
  return { storage: bucket.open(), leftovers: bucket.leftovers };
});

storageSuite('s3 below a prefix', async () => {
  const bucket = await createBucket();
  const storage = bucket.open({ prefix: 'some/where' });
  const leftovers = async (): Promise<string[]> =>
    (await bucket.leftovers()).map((name) => name.replace(/^some\/where\//, ''));
  return { storage, leftovers };
});
