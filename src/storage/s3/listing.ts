import {
  AbortMultipartUploadCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  type ListMultipartUploadsCommandOutput,
  type ListObjectsV2CommandOutput,
} from '@aws-sdk/client-s3';
import { DbopsError } from '../../core/errors.ts';
import { isObjectKey, type ObjectKey } from '../../core/ids.ts';
import type { CallOptions, ObjectInfo, UnfinishedPut } from '../../core/ports/storage.ts';
import type { Bucket } from './bucket.ts';
import { nameOf, noStore } from './explain.ts';
import { failureOf, isUnknownToStore } from './failure.ts';
import { infoOf } from './head.ts';

/** The objects below a prefix, a thousand a request. Names that could not be keys belong to somebody else. */
export async function* listObjects(
  bucket: Bucket,
  prefix: string,
  { signal }: CallOptions,
): AsyncGenerator<ObjectInfo> {
  const below = prefixOf(bucket, prefix);
  let last = '';
  for (let token: string | undefined; ;) {
    signal.throwIfAborted();
    const page: ListObjectsV2CommandOutput = await bucket.tell(
      { action: 's3:ListBucket', doing: 'cannot list' },
      (client, sending) => {
        const from = token === undefined ? {} : { ContinuationToken: token };
        const input = { Bucket: bucket.name, Prefix: below, EncodingType: 'url' as const, ...from };
        return client.send(new ListObjectsV2Command(input), sending);
      },
      signal,
    );
    refuseOtherAnswer(page, bucket);
    for (const { Key, Size, LastModified, ETag } of page.Contents ?? []) {
      const key = keyOf(bucket, below, decode(Key, page.EncodingType));
      if (key === undefined) continue;
      if (key <= last) throw unordered(bucket);
      last = key;
      yield { key, ...infoOf(Size, LastModified, ETag) };
    }
    if (page.IsTruncated !== true) return;
    if (page.NextContinuationToken === undefined || page.NextContinuationToken === token) throw unordered(bucket);
    token = page.NextContinuationToken;
  }
}

/** Uploads in parts below a prefix that nobody has completed or taken back. */
export async function* listUploads(
  bucket: Bucket,
  prefix: string,
  { signal }: CallOptions,
): AsyncGenerator<UnfinishedPut> {
  const below = prefixOf(bucket, prefix);
  for (let from: { KeyMarker?: string; UploadIdMarker?: string } = {}; ;) {
    const page = await uploadsFrom(bucket, below, from, signal);
    for (const { Key, UploadId, Initiated } of page?.Uploads ?? []) {
      const key = keyOf(bucket, below, decode(Key, page?.EncodingType));
      if (key === undefined || UploadId === undefined) continue;
      yield {
        key,
        startedAt: Initiated ?? new Date(0),
        discard: async (options) => {
          await abortUpload(bucket, key, UploadId, options);
        },
      };
    }
    const { NextKeyMarker, NextUploadIdMarker, IsTruncated, EncodingType } = page ?? {};
    const next = decode(NextKeyMarker, EncodingType);
    if (IsTruncated !== true) return;
    if (next === undefined || (next === from.KeyMarker && NextUploadIdMarker === from.UploadIdMarker))
      throw unordered(bucket);
    from = { KeyMarker: next, ...(NextUploadIdMarker === undefined ? {} : { UploadIdMarker: NextUploadIdMarker }) };
  }
}

/** Undefined from a store that keeps no such list. */
async function uploadsFrom(
  bucket: Bucket,
  below: string,
  from: { readonly KeyMarker?: string; readonly UploadIdMarker?: string },
  signal: AbortSignal,
): Promise<ListMultipartUploadsCommandOutput | undefined> {
  return bucket.tell(
    { action: 's3:ListBucketMultipartUploads', doing: 'cannot list unfinished uploads of' },
    async (client, sending) => {
      const input = { Bucket: bucket.name, Prefix: below, EncodingType: 'url' as const, ...from };
      try {
        const page = await client.send(new ListMultipartUploadsCommand(input), sending);
        refuseOtherAnswer(page, bucket);
        return page;
      } catch (error) {
        if (isUnknownToStore(failureOf(error))) return undefined;
        throw error;
      }
    },
    signal,
  );
}

/** One that is not there any more is none. */
export async function abortUpload(
  bucket: Bucket,
  key: ObjectKey,
  uploadId: string,
  { signal }: CallOptions,
): Promise<'aborted' | 'gone'> {
  const input = { Bucket: bucket.name, Key: bucket.nameOf(key), UploadId: uploadId };
  return bucket.tell(
    { action: 's3:AbortMultipartUpload', doing: 'cannot take back an unfinished upload of', key },
    async (client, sending) => {
      try {
        await client.send(new AbortMultipartUploadCommand(input), sending);
        return 'aborted';
      } catch (error) {
        if (failureOf(error).code === 'NoSuchUpload') return 'gone';
        throw error;
      }
    },
    signal,
  );
}

function prefixOf({ nameOf }: Bucket, prefix: string): string {
  return nameOf(prefix === '' ? '' : `${prefix}/`);
}

function keyOf({ place }: Bucket, below: string, name: string | undefined): ObjectKey | undefined {
  if (name?.startsWith(below) !== true) return undefined;
  const key = name.slice(place.root.length);
  return isObjectKey(key) ? key : undefined;
}

/** Names are asked for in this form because XML has no place for some characters of other people's. */
function decode(name: string | undefined, encoding: string | undefined): string | undefined {
  if (name === undefined || encoding !== 'url') return name;
  try {
    return decodeURIComponent(name.replaceAll('+', ' '));
  } catch {
    return undefined;
  }
}

/**
 * A login page, or whatever else answers 200, reads as a listing of nothing: every listing of a store says at least
 * whether there is more.
 * @throws DbopsError STORAGE_FAILED
 */
function refuseOtherAnswer({ IsTruncated }: { readonly IsTruncated?: boolean | undefined }, { place }: Bucket): void {
  if (IsTruncated !== undefined) return;
  const { what, hint } = noStore(place);
  throw new DbopsError('STORAGE_FAILED', `cannot list ${nameOf({}, place)}: ${what}`, { hint });
}

function unordered({ place }: Bucket): DbopsError {
  return new DbopsError('STORAGE_FAILED', `${place.scheme}://${place.bucket} does not list its objects in order`, {
    hint: 'Such stores (S3 Express is one) cannot hold backups. Use a general purpose bucket.',
  });
}
