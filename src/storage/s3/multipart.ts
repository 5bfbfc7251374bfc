import { createHash } from 'node:crypto';
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  UploadPartCommand,
  type CompletedPart,
} from '@aws-sdk/client-s3';
import { DbopsError } from '../../core/errors.ts';
import type { Bucket } from './bucket.ts';
import { commit, isOurs, taken, writing, type Putting } from './commit.ts';
import type { Part } from './cut.ts';
import { isOtherDigest, refuseOtherDigest } from './digest.ts';
import { nameOf } from './explain.ts';
import { failureOf, isUnknownToStore } from './failure.ts';
import { headObject, TOKEN } from './head.ts';
import { abortUpload } from './listing.ts';
import { lockObject } from './lock.ts';
import type { ObjectInput } from './object-settings.ts';
import { removeObject } from './remove.ts';

export interface PartsPut {
  readonly bucket: Bucket;
  readonly putting: Putting;
  readonly settings: ObjectInput;
  readonly first: Part;
  /** The rest. */
  readonly parts: AsyncGenerator<Part>;
  /** Ends the reading of the body, and every request. */
  readonly stop: AbortController;
}

// Taking back must work after an abort, and must not hold up whoever waits for it.
const takeBackMs = 8_000;
const mostOtherDigests = 3;

/** Uploads parts side by side, and makes the object of them; takes everything back when something fails. */
export async function putInParts(put: PartsPut, signal: AbortSignal): Promise<void> {
  const { bucket, putting, settings, stop } = put;
  const { UploadId: uploadId } = await bucket.tell(
    writing(putting),
    (client, sending) => client.send(new CreateMultipartUploadCommand(settings), sending),
    signal,
  );
  if (uploadId === undefined) throw new Error('the store begins an upload and gives it no name');
  try {
    const uploaded = await uploadParts(put, uploadId, signal);
    await complete(put, uploadId, uploaded, signal);
  } catch (error) {
    stop.abort(error);
    // The last step may have been taken although nobody told us.
    if ((await takeBack(bucket, putting, uploadId)) === 'gone' && (await isOurs(bucket, putting))) return;
    throw error;
  }
}

async function takeBack(bucket: Bucket, { key }: Putting, uploadId: string): Promise<'aborted' | 'gone' | 'unknown'> {
  try {
    return await abortUpload(bucket, key, uploadId, { signal: AbortSignal.timeout(takeBackMs) });
  } catch {
    // It costs money until prune finds it; the failure that led here matters more.
    return 'unknown';
  }
}

interface Uploaded {
  readonly parts: readonly CompletedPart[];
  readonly bytes: number;
  /** What the whole has to be called by the store, where it goes by MD5. */
  readonly digest: string;
}

async function uploadParts(put: PartsPut, uploadId: string, signal: AbortSignal): Promise<Uploaded> {
  const { first, parts, stop } = put;
  const done: UploadedPart[] = [];
  const failures: unknown[] = [];
  const running: Promise<void>[] = [];
  const begin = (part: Part): void => {
    const upload = uploadPart(put, uploadId, part, signal).then(
      (uploaded) => void done.push(uploaded),
      (error: unknown) => {
        failures.push(error);
        stop.abort(error);
      },
    );
    running.push(upload.finally(() => part.release()));
  };
  try {
    begin(first);
    for await (const part of parts) begin(part);
  } catch (error) {
    failures.push(error);
    stop.abort(error);
  }
  await Promise.all(running);
  if (failures.length > 0) throw failures[0];
  return sumUp(done.toSorted((a, b) => a.number - b.number));
}

interface UploadedPart {
  readonly number: number;
  readonly bytes: number;
  readonly tag: string | undefined;
  readonly digest: Buffer;
}

async function uploadPart(
  { bucket, putting, settings }: PartsPut,
  uploadId: string,
  { number, bytes }: Part,
  signal: AbortSignal,
): Promise<UploadedPart> {
  const digest = createHash('md5').update(bytes).digest();
  const [expected, length] = [digest.toString('hex'), bytes.length];
  const input = {
    Bucket: settings.Bucket,
    Key: settings.Key,
    UploadId: uploadId,
    PartNumber: number,
    Body: bytes,
    ContentMD5: digest.toString('base64'),
  };
  const name = `part ${number} of ${nameOf(putting, bucket.place)}`;
  for (let tries = 1; ; tries++) {
    const answer = await bucket.tell(
      writing(putting, `cannot write part ${number} of`),
      (client, sending) => client.send(new UploadPartCommand(input), sending),
      signal,
    );
    if (tries >= mostOtherDigests) refuseOtherDigest(answer, expected, name);
    if (!isOtherDigest(answer, expected)) return { number, bytes: length, tag: answer.ETag, digest };
  }
}

function sumUp(parts: readonly UploadedPart[]): Uploaded {
  const hash = createHash('md5');
  for (const { digest } of parts) hash.update(digest);
  return {
    parts: parts.map(({ number, tag }) => ({ PartNumber: number, ETag: tag })),
    bytes: parts.reduce((sum, { bytes }) => sum + bytes, 0),
    digest: `${hash.digest('hex')}-${parts.length}`,
  };
}

async function complete(put: PartsPut, uploadId: string, uploaded: Uploaded, signal: AbortSignal): Promise<void> {
  const { bucket, putting, settings } = put;
  const { key, ifAbsent } = putting;
  // Not every store that heeds the condition of a whole put heeds that of a completion.
  if (ifAbsent && (await headObject(bucket, key, signal)) !== undefined) throw taken(bucket, key);
  const input = {
    Bucket: settings.Bucket,
    Key: settings.Key,
    UploadId: uploadId,
    MultipartUpload: { Parts: [...uploaded.parts] },
  };
  const finish = (condition: object) => (until: AbortSignal) =>
    bucket.ask(
      (client, sending) => client.send(new CompleteMultipartUploadCommand({ ...input, ...condition }), sending),
      until,
    );
  const conditional = ifAbsent && bucket.conditional !== 'no';
  try {
    await commit(bucket, putting, finish(conditional ? { IfNoneMatch: '*' } : {}), signal);
  } catch (error) {
    const isUnknown = conditional && error instanceof DbopsError && isUnknownToStore(failureOf(error.cause));
    if (!isUnknown) throw error;
    await commit(bucket, putting, finish({}), signal);
  }
  await confirm(bucket, putting, uploaded);
}

/**
 * What stands there now is what was sent, ours, and locked.
 * @throws DbopsError when it is not; what stands there is removed then if it is ours
 */
async function confirm(bucket: Bucket, putting: Putting, { bytes, digest }: Uploaded): Promise<void> {
  const { key } = putting;
  const { signal } = new AbortController();
  const name = nameOf({ key }, bucket.place);
  const head = await headObject(bucket, key, signal);
  if (head?.Metadata?.[TOKEN] !== putting.token) throw taken(bucket, key);
  try {
    refuseOtherDigest(head, digest, name);
    if (head.ContentLength !== bytes) throw shortened(head.ContentLength, bytes, name);
    await lockObject(bucket, putting, head, signal);
  } catch (error) {
    await removeObject(bucket, key, { signal: AbortSignal.timeout(takeBackMs) });
    throw error;
  }
}

function shortened(there: number | undefined, sent: number, name: string): DbopsError {
  return new DbopsError('STORAGE_FAILED', `the store holds ${there} of ${sent} bytes of ${name}`, {
    hint: 'The store or something before it loses bytes. Use another one.',
  });
}
