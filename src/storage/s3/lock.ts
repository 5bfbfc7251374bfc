import { PutObjectLegalHoldCommand, PutObjectRetentionCommand, type HeadObjectCommandOutput } from '@aws-sdk/client-s3';
import type { Bucket } from './bucket.ts';
import { writing, type Putting } from './commit.ts';

/** Locks an object that was to be locked and is not: some stores (Ceph) forget it of uploads in parts. */
export async function lockObject(
  bucket: Bucket,
  putting: Putting,
  head: HeadObjectCommandOutput,
  signal: AbortSignal,
): Promise<void> {
  const { ObjectLockMode: mode, ObjectLockRetainUntilDate: until, ObjectLockLegalHoldStatus: hold } = putting.lock;
  const object = { Bucket: bucket.name, Key: bucket.nameOf(putting.key) };
  if (hold !== undefined && head.ObjectLockLegalHoldStatus !== hold) {
    const input = { ...object, LegalHold: { Status: hold } };
    await bucket.tell(
      { ...writing(putting, 'cannot lock'), action: 's3:PutObjectLegalHold' },
      (client, sending) => client.send(new PutObjectLegalHoldCommand(input), sending),
      signal,
    );
  }
  if (mode !== undefined && head.ObjectLockRetainUntilDate === undefined) {
    const input = { ...object, Retention: { Mode: mode, RetainUntilDate: until } };
    await bucket.tell(
      { ...writing(putting, 'cannot lock'), action: 's3:PutObjectRetention' },
      (client, sending) => client.send(new PutObjectRetentionCommand(input), sending),
      signal,
    );
  }
}
