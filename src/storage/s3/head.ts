import { GetObjectCommand, HeadObjectCommand, type HeadObjectCommandOutput } from '@aws-sdk/client-s3';
import type { ObjectKey } from '../../core/ids.ts';
import type { ObjectInfo } from '../../core/ports/storage.ts';
import type { Bucket } from './bucket.ts';
import { explain } from './explain.ts';
import { failureOf } from './failure.ts';

/** In the metadata of every object: which put made it. */
export const TOKEN = 'dbops-put';

/** What a store says of an object without sending it; undefined for none. */
export async function headObject(
  bucket: Bucket,
  key: ObjectKey,
  signal: AbortSignal,
  isSecond = false,
): Promise<HeadObjectCommandOutput | undefined> {
  const input = { Bucket: bucket.name, Key: bucket.nameOf(key) };
  try {
    return await bucket.ask((client, sending) => client.send(new HeadObjectCommand(input), sending), signal);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    const { code, status } = failureOf(error);
    if (status === 404 && code !== 'NoSuchBucket') return undefined;
    const told = status !== undefined && status < 500 ? await reasonOf(bucket, key, signal) : undefined;
    // What GET was refused at first may have been put right by its own second try: new credentials, another clock.
    if (told === undefined && !isSecond) return headObject(bucket, key, signal, true);
    const attempted = { action: 's3:GetObject', doing: 'cannot look at', key };
    throw explain(told ?? error, attempted, bucket.place, bucket.clock.now());
  }
}

/** An answer to HEAD has no body and gives no reasons: the same refusal to GET does. */
async function reasonOf(bucket: Bucket, key: ObjectKey, signal: AbortSignal): Promise<unknown> {
  const input = { Bucket: bucket.name, Key: bucket.nameOf(key), Range: 'bytes=0-0' };
  try {
    await bucket.ask((client, sending) => client.send(new GetObjectCommand(input), sending), signal);
    return undefined;
  } catch (error) {
    return failureOf(error).code === 'NoSuchKey' ? undefined : error;
  }
}

export async function statObject(bucket: Bucket, key: ObjectKey, signal: AbortSignal): Promise<ObjectInfo | undefined> {
  const head = await headObject(bucket, key, signal);
  if (head === undefined) return undefined;
  const lockedUntil = lockOf(head);
  return {
    key,
    ...infoOf(head.ContentLength, head.LastModified, head.ETag),
    ...(lockedUntil === undefined ? {} : { lockedUntil }),
  };
}

/** Whole seconds, because some answers have no more. */
export function infoOf(
  bytes: number | undefined,
  modified: Date | undefined,
  tag: string | undefined,
): Pick<ObjectInfo, 'bytes' | 'modifiedAt' | 'revision'> {
  return {
    bytes: bytes ?? 0,
    modifiedAt: new Date(Math.floor((modified?.getTime() ?? 0) / 1000) * 1000),
    ...(tag === undefined ? {} : { revision: tag }),
  };
}

function lockOf({
  ObjectLockLegalHoldStatus,
  ObjectLockRetainUntilDate,
}: HeadObjectCommandOutput): Date | 'forever' | undefined {
  return ObjectLockLegalHoldStatus === 'ON' ? 'forever' : ObjectLockRetainUntilDate;
}
