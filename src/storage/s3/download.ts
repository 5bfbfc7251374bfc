import { addAbortSignal, Readable } from 'node:stream';
import { GetObjectCommand, type GetObjectCommandOutput } from '@aws-sdk/client-s3';
import { DbopsError } from '../../core/errors.ts';
import type { ObjectKey } from '../../core/ids.ts';
import type { Bucket } from './bucket.ts';
import { explain, nameOf } from './explain.ts';
import { failureOf, remedyOf } from './failure.ts';

// In a row, without a byte between them.
const mostBreaks = 6;

/**
 * Reads an object. A connection that breaks, or over which nothing comes, is made again from the byte where it broke, as
 * long as the object is the same one; a stream that ends before the length that was promised fails.
 */
export async function openObject(bucket: Bucket, key: ObjectKey, signal: AbortSignal): Promise<Readable> {
  const first = await requestFrom(bucket, key, 0, undefined, signal);
  const stream = Readable.from(readOn(bucket, key, first, signal), { objectMode: false });
  return addAbortSignal(signal, stream);
}

async function* readOn(bucket: Bucket, key: ObjectKey, first: Opened, signal: AbortSignal): AsyncGenerator<Buffer> {
  let at = 0;
  let breaks = 0;
  for (let opened = first; ;) {
    try {
      for await (const chunk of opened.body as AsyncIterable<Buffer>) {
        at += chunk.length;
        breaks = 0;
        yield chunk;
      }
      if (at === first.bytes) return;
      if (at > first.bytes) throw wrongLength(bucket, key, at, first.bytes);
    } catch (error) {
      signal.throwIfAborted();
      if (at === first.bytes) return;
      if (error instanceof DbopsError || remedyOf(failureOf(error)) !== 'repeat') {
        throw explain(error, reading(key), bucket.place, bucket.clock.now());
      }
    }
    breaks += 1;
    if (breaks > mostBreaks) throw wrongLength(bucket, key, at, first.bytes);
    opened = await requestFrom(bucket, key, at, first.tag, signal);
  }
}

interface Opened {
  readonly body: Readable;
  /** Of the whole object. */
  readonly bytes: number;
  readonly tag: string | undefined;
}

async function requestFrom(
  bucket: Bucket,
  key: ObjectKey,
  at: number,
  tag: string | undefined,
  signal: AbortSignal,
): Promise<Opened> {
  const rest = at === 0 ? {} : { Range: `bytes=${at}-`, ...(tag === undefined ? {} : { IfMatch: tag }) };
  const input = { Bucket: bucket.name, Key: bucket.nameOf(key), ...rest };
  try {
    const answer = await bucket.ask((client, sending) => client.send(new GetObjectCommand(input), sending), signal);
    return open(bucket, key, at, answer);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    const { code, status } = failureOf(error);
    if (at > 0 && status === 412) throw replaced(bucket, key, error);
    if (code === 'NoSuchKey' || code === 'NotFound') throw missing(bucket, key, error);
    throw explain(error, reading(key), bucket.place, bucket.clock.now());
  }
}

function open(bucket: Bucket, key: ObjectKey, at: number, answer: GetObjectCommandOutput): Opened {
  const { Body, ContentLength, ContentRange, ETag } = answer;
  if (!(Body instanceof Readable)) throw new Error('the library gave a body that is no stream of Node');
  const start = ContentRange === undefined ? 0 : Number(/^bytes (\d+)-/.exec(ContentRange)?.[1]);
  if (ContentLength === undefined || start !== at) {
    Body.destroy();
    throw new DbopsError(
      'STORAGE_FAILED',
      `cannot read ${nameOf({ key }, bucket.place)}: the store does not say what it sends`,
      {
        hint: 'Something on the way changes answers, such as a proxy that compresses. Go around it.',
      },
    );
  }
  return { body: Body, bytes: at + ContentLength, tag: ETag };
}

function reading(key: ObjectKey): { action: string; doing: string; key: ObjectKey } {
  return { action: 's3:GetObject', doing: 'cannot read', key };
}

function missing({ place }: Bucket, key: ObjectKey, cause: unknown): DbopsError {
  return new DbopsError('OBJECT_MISSING', `${nameOf({ key }, place)} is missing`, {
    hint: 'It was removed after the listing, by prune or by hand. Run `dbops list` again.',
    cause,
  });
}

function replaced({ place }: Bucket, key: ObjectKey, cause: unknown): DbopsError {
  return new DbopsError('STORAGE_FAILED', `${nameOf({ key }, place)} was replaced while it was read`, {
    hint: 'Run this again.',
    cause,
  });
}

function wrongLength({ place }: Bucket, key: ObjectKey, got: number, promised: number): DbopsError {
  return new DbopsError('STORAGE_FAILED', `${nameOf({ key }, place)} broke off after ${got} of ${promised} bytes`, {
    hint: 'The connection breaks again and again, or something on the way changes answers. Run this again.',
  });
}
