import { createHash } from 'node:crypto';
import { addAbortSignal, type Readable } from 'node:stream';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { DbopsError, messageOf } from '../../core/errors.ts';
import type { ObjectKey } from '../../core/ids.ts';
import type { PutOptions } from '../../core/ports/storage.ts';
import type { Bucket } from './bucket.ts';
import { createBufferPool } from './buffers.ts';
import { commit, isOurs, type Putting } from './commit.ts';
import { cutBody, type Part } from './cut.ts';
import { refuseOtherDigest } from './digest.ts';
import { nameOf } from './explain.ts';
import { TOKEN } from './head.ts';
import { writeIfAbsent } from './if-absent.ts';
import { putInParts } from './multipart.ts';
import { lockSettings, objectSettings, type ObjectInput } from './object-settings.ts';
import { BUFFER_BYTES, planParts } from './part-plan.ts';
import { removeObject } from './remove.ts';

const mostBuffers = 6;
const takeBackMs = 8_000;

/** Writes a body: in one request if it fits into a part, else in parts. */
export async function putObject(bucket: Bucket, key: ObjectKey, body: Readable, options: PutOptions): Promise<void> {
  const { signal, ifAbsent = false, expectedBytes, lockUntil } = options;
  try {
    signal.throwIfAborted();
    const stop = new AbortController();
    const either = AbortSignal.any([signal, stop.signal]);
    addAbortSignal(either, body);
    const token = Buffer.from(bucket.random(12)).toString('hex');
    const lock = lockSettings(lockUntil, bucket.settings, bucket.clock.now());
    const putting: Putting = { key, token, ifAbsent, lock };
    const settings = {
      Bucket: bucket.name,
      Key: bucket.nameOf(key),
      Metadata: { [TOKEN]: putting.token },
      ...objectSettings(key, bucket.settings),
      ...lock,
    };
    const parts = cutBody(body, planParts(expectedBytes), createBufferPool(BUFFER_BYTES, mostBuffers));
    const first = await parts.next();
    if (first.done === true) throw new Error('a body has one part at least');
    if (first.value.last) await putWhole(bucket, putting, settings, first.value, signal);
    else await putInParts({ bucket, putting, settings, parts, first: first.value, stop }, either);
  } catch (error) {
    body.destroy();
    signal.throwIfAborted();
    if (error instanceof DbopsError) throw error;
    throw new DbopsError('STORAGE_FAILED', `cannot write ${nameOf({ key }, bucket.place)}: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

async function putWhole(
  bucket: Bucket,
  putting: Putting,
  settings: ObjectInput,
  part: Part,
  signal: AbortSignal,
): Promise<void> {
  const digest = createHash('md5').update(part.bytes).digest();
  const input = { ...settings, Body: part.bytes, ContentMD5: digest.toString('base64') };
  const write = (condition: object) => (until: AbortSignal) =>
    bucket.ask((client, sending) => client.send(new PutObjectCommand({ ...input, ...condition }), sending), until);
  const { key, ifAbsent } = putting;
  const answer = await (!ifAbsent
    ? commit(bucket, putting, write({}), signal)
    : writeIfAbsent(bucket, putting, write, signal));
  part.release();
  if (answer === undefined) return;
  try {
    refuseOtherDigest(answer, digest.toString('hex'), nameOf({ key }, bucket.place));
  } catch (error) {
    if (await isOurs(bucket, putting)) await removeObject(bucket, key, { signal: AbortSignal.timeout(takeBackMs) });
    throw error;
  }
}
