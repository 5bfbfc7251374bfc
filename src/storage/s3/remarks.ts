import {
  GetBucketLifecycleConfigurationCommand,
  GetBucketVersioningCommand,
  GetObjectLockConfigurationCommand,
  type LifecycleRule,
} from '@aws-sdk/client-s3';
import type { StorageRemark } from '../../core/ports/storage.ts';
import type { Act, Bucket } from './bucket.ts';
import { failureOf, isUnknownToStore } from './failure.ts';

/** What a bucket's set-up means for backups: versions that are kept, locks, and who clears uploads that broke off. */
export async function remarksOn(bucket: Bucket, signal: AbortSignal): Promise<readonly StorageRemark[]> {
  const input = { Bucket: bucket.name };
  const versioning = await look(bucket, signal, (client, sending) =>
    client.send(new GetBucketVersioningCommand(input), sending),
  );
  const lock = await look(bucket, signal, (client, sending) =>
    client.send(new GetObjectLockConfigurationCommand(input), sending),
  );
  const lifecycle = await look(bucket, signal, (client, sending) =>
    client.send(new GetBucketLifecycleConfigurationCommand(input), sending),
  );
  const rules = lifecycle.answer?.Rules?.filter(({ Status }) => Status === 'Enabled') ?? [];
  const isVersioned = versioning.answer?.Status === 'Enabled';
  return [
    versioning.unknown ?? onVersioning(isVersioned, rules, lifecycle.unknown !== undefined),
    lock.unknown ?? onLock(lock.answer?.ObjectLockConfiguration?.ObjectLockEnabled === 'Enabled', bucket),
    lifecycle.unknown ?? onUploads(rules),
  ].map((remark, index) => ({ ...remark, name: names[index] ?? '' }));
}

const names = ['versioning', 'object lock', 'unfinished uploads'];

type Found = Omit<StorageRemark, 'name'>;

interface Looked<T> {
  /** Undefined also where nothing is set up. */
  readonly answer: T | undefined;
  /** Why nothing is known. */
  readonly unknown: Found | undefined;
}

async function look<T>(bucket: Bucket, signal: AbortSignal, act: Act<T>): Promise<Looked<T>> {
  try {
    return { answer: await bucket.ask(act, signal), unknown: undefined };
  } catch (error) {
    signal.throwIfAborted();
    const failure = failureOf(error);
    if (failure.status === 404) return { answer: undefined, unknown: undefined };
    const reason = isUnknownToStore(failure) ? 'the store cannot say' : `may not be looked at (${failure.code})`;
    return { answer: undefined, unknown: { level: 'note', text: reason } };
  }
}

function onVersioning(isVersioned: boolean, rules: readonly LifecycleRule[], isUnknown: boolean): Found {
  if (!isVersioned) return { level: 'fine', text: 'off: what is removed is gone, and its space is free' };
  if (rules.some(({ NoncurrentVersionExpiration }) => NoncurrentVersionExpiration !== undefined)) {
    return { level: 'fine', text: 'on, and a lifecycle rule removes old versions' };
  }
  return {
    level: 'note',
    text: isUnknown
      ? 'on: what prune removes stays as an old version until a lifecycle rule removes it'
      : 'on, and no lifecycle rule removes old versions: what prune removes goes on costing money',
    hint: 'Add a lifecycle rule with NoncurrentVersionExpiration to the bucket.',
  };
}

function onLock(isOn: boolean, { settings }: Bucket): Found {
  if (settings.lock === undefined) {
    return { level: 'fine', text: isOn ? 'possible, and not asked for' : 'not asked for' };
  }
  if (isOn) return { level: 'fine', text: 'on: backups are locked as long as retention surely keeps them' };
  return {
    level: 'problem',
    text: 'asked for by `lock`, and the bucket has none',
    hint: 'Object lock is switched on when a bucket is made. Use another bucket, or remove `lock` from the configuration.',
  };
}

function onUploads(rules: readonly LifecycleRule[]): Found {
  if (rules.some(({ AbortIncompleteMultipartUpload }) => AbortIncompleteMultipartUpload !== undefined)) {
    return { level: 'fine', text: 'a lifecycle rule clears them' };
  }
  return {
    level: 'note',
    text: 'no lifecycle rule clears what killed runs leave; prune of the same target does after a day',
    hint: 'Add a lifecycle rule with AbortIncompleteMultipartUpload to the bucket.',
  };
}
