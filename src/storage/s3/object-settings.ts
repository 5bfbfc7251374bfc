import type { PutObjectCommandInput } from '@aws-sdk/client-s3';
import type { ObjectKey } from '../../core/ids.ts';
import type { StorageSettings } from '../../core/storage-settings.ts';

type ObjectSettings = Pick<PutObjectCommandInput, 'ServerSideEncryption' | 'SSEKMSKeyId' | 'StorageClass'>;

export type LockInput = Pick<
  PutObjectCommandInput,
  'ObjectLockMode' | 'ObjectLockRetainUntilDate' | 'ObjectLockLegalHoldStatus'
>;

/** What a new object is given by what was said of the storage. */
export function objectSettings(key: ObjectKey, settings: StorageSettings): ObjectSettings {
  const { serverSideEncryption, kmsKeyId, storageClass } = settings;
  return {
    ...(serverSideEncryption === undefined ? {} : { ServerSideEncryption: serverSideEncryption }),
    ...(kmsKeyId === undefined ? {} : { SSEKMSKeyId: kmsKeyId }),
    ...(storageClass === undefined || describesOthers(key)
      ? {}
      : { StorageClass: storageClass as NonNullable<ObjectSettings['StorageClass']> }),
  };
}

/** Read by every listing of backups: an archive would make each of them slow, or impossible. */
function describesOthers(key: ObjectKey): boolean {
  return key.endsWith('.json') || key.endsWith('SHA256SUMS');
}

/** Nothing where the storage was not set up to lock. */
export function lockSettings(
  until: Date | 'forever' | undefined,
  { lock, lockMode }: StorageSettings,
  now: Date,
): LockInput {
  if (lock === undefined) return {};
  if (until === 'forever') return { ObjectLockLegalHoldStatus: 'ON' };
  // A store refuses a date that has passed.
  if (until === undefined || until <= now) return {};
  return {
    ObjectLockMode: lockMode === 'compliance' ? 'COMPLIANCE' : 'GOVERNANCE',
    ObjectLockRetainUntilDate: until,
  };
}

/** What every request that begins an object says. */
export interface ObjectInput {
  readonly Bucket: string;
  readonly Key: string;
  readonly Metadata: Record<string, string>;
}
