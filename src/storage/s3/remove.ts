import { DeleteObjectCommand } from '@aws-sdk/client-s3';
import { DbopsError } from '../../core/errors.ts';
import type { ObjectKey } from '../../core/ids.ts';
import type { CallOptions } from '../../core/ports/storage.ts';
import type { Bucket } from './bucket.ts';
import { explain, nameOf } from './explain.ts';
import { failureOf } from './failure.ts';
import { statObject } from './head.ts';

/** Removes an object; in a versioned bucket the store keeps it below a marker, for as long as its rules say. */
export async function removeObject(bucket: Bucket, key: ObjectKey, { signal }: CallOptions): Promise<void> {
  const input = { Bucket: bucket.name, Key: bucket.nameOf(key) };
  try {
    await bucket.ask((client, sending) => client.send(new DeleteObjectCommand(input), sending), signal);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    const { code, status } = failureOf(error);
    // Some stores say so of a key that is not there.
    if (code === 'NoSuchKey') return;
    if (status === 403) await refuseLocked(bucket, key, error, signal);
    const attempted = { action: 's3:DeleteObject', doing: 'cannot remove', key };
    throw explain(error, attempted, bucket.place, bucket.clock.now());
  }
}

/** @throws DbopsError REFUSED when a lock is the reason */
async function refuseLocked(bucket: Bucket, key: ObjectKey, cause: unknown, signal: AbortSignal): Promise<void> {
  const until = (await statObject(bucket, key, signal).catch(() => undefined))?.lockedUntil;
  if (until === undefined || (until !== 'forever' && until <= bucket.clock.now())) return;
  const time = until === 'forever' ? 'until somebody lifts its legal hold' : `until ${until.toISOString()}`;
  throw new DbopsError('REFUSED', `${nameOf({ key }, bucket.place)} is locked ${time}`, {
    hint: 'It can be removed after that; `dbops prune` leaves locked backups alone.',
    cause,
  });
}
