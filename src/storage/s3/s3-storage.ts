import type { Storage } from '../../core/ports/storage.ts';
import { openBucket, type BucketOptions } from './bucket.ts';
import { openObject } from './download.ts';
import { nameOf } from './explain.ts';
import { statObject } from './head.ts';
import { listObjects, listUploads } from './listing.ts';
import { putObject } from './put.ts';
import { remarksOn } from './remarks.ts';
import { removeObject } from './remove.ts';

/**
 * Backups as objects of a bucket, each under the prefix of the storage. Objects become visible whole or not at all; what
 * a run that was killed leaves is an upload in parts, which `unfinished` finds.
 */
export function createS3Storage(options: BucketOptions): Storage {
  const bucket = openBucket(options);
  return {
    label: nameOf({ key: undefined }, bucket.place),
    traits: { scratchParent: undefined },
    put: (key, body, putOptions) => putObject(bucket, key, body, putOptions),
    get: async (key, { signal }) => {
      signal.throwIfAborted();
      return openObject(bucket, key, signal);
    },
    stat: (key, { signal }) => statObject(bucket, key, signal),
    list: (prefix, callOptions) => listObjects(bucket, prefix, callOptions),
    remove: (key, callOptions) => removeObject(bucket, key, callOptions),
    unfinished: (prefix, callOptions) => listUploads(bucket, prefix, callOptions),
    remarks: ({ signal }) => remarksOn(bucket, signal),
    freeBytes: async () => undefined,
    pointLatest: async () => undefined,
    [Symbol.asyncDispose]: async () => bucket[Symbol.dispose](),
  };
}
