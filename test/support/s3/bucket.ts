import { randomBytes } from 'node:crypto';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { onTestFinished } from 'vitest';
import type { Storage } from '../../../src/core/ports/storage.ts';
import type { StorageSettings } from '../../../src/core/storage-settings.ts';
import { systemClock } from '../../../src/platform/clock.ts';
import type { BucketPatience } from '../../../src/storage/s3/bucket.ts';
import { openS3Storage } from '../../../src/storage/s3/open.ts';
import { infosOf, patient } from '../bodies.ts';
import type { StoreAccess } from './ceph.ts';
import { sharedStore } from './on-demand.ts';

/** A bucket of its own for each test. */
export interface TestBucket {
  readonly name: string;
  readonly access: StoreAccess;
  /** To do by hand what storages do not; closed with the test. */
  readonly client: S3Client;
  open(options?: OpenOptions): Storage;
  /** Names of all objects, and of uploads that were not completed. */
  leftovers(): Promise<string[]>;
}

export interface OpenOptions {
  /** Another one. */
  readonly bucket?: string;
  readonly prefix?: string;
  readonly settings?: StorageSettings;
  /** In the place of the store's own. */
  readonly endpoint?: string;
  readonly patience?: Partial<BucketPatience>;
}

/** Long enough for a busy machine, and short where a test waits for it to end. */
const testPatience: BucketPatience = { budgetMs: 20_000, firstBudgetMs: 2_000, stallMs: 10_000, graceMs: 2_000 };

export async function createBucket({ lock = false } = {}): Promise<TestBucket> {
  const access = await sharedStore();
  const client = clientOf(access);
  onTestFinished(() => client.destroy());
  const name = `test-${randomBytes(6).toString('hex')}`;
  await client.send(new CreateBucketCommand({ Bucket: name, ObjectLockEnabledForBucket: lock }));
  const open = ({ bucket = name, prefix = '', settings = {}, endpoint, patience = {} }: OpenOptions = {}): Storage => {
    const { endpoint: own, ...credentials } = access;
    const address = {
      location: `s3://${bucket}${prefix === '' ? '' : `/${prefix}`}`,
      folder: '/',
      settings: { ...credentials, endpoint: endpoint ?? own, ...settings },
    };
    const storage = openS3Storage(address, {}, systemClock, { ...testPatience, ...patience });
    onTestFinished(() => storage[Symbol.asyncDispose]());
    return storage;
  };
  return { name, access, client, open, leftovers: () => leftoversIn(open()) };
}

function clientOf({ endpoint, ...credentials }: StoreAccess): S3Client {
  return new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials });
}

async function leftoversIn(storage: Storage): Promise<string[]> {
  const objects = (await infosOf(storage)).map(({ key }) => key);
  const uploads = (await Array.fromAsync(storage.unfinished('', patient))).map(({ key }) => `${key} (unfinished)`);
  return [...objects, ...uploads];
}
