import type { PutObjectCommandInput } from '@aws-sdk/client-s3';
import type { ObjectKey } from '../../core/ids.ts';
import type { StorageSettings } from '../../core/storage-settings.ts';

type ObjectSettings = Pick<
  PutObjectCommandInput,
  | 'ServerSideEncryption'
  | 'SSEKMSKeyId'
  | 'StorageClass'
  | 'ObjectLockMode'
  | 'ObjectLockRetainUntilDate'
  | 'ObjectLockLegalHoldStatus'
>;

/** What a new object is given by what was said of the storage. */
export function objectSettings(
  key: ObjectKey,
  lockUntil: Date | 'forever' | undefined,
  settings: StorageSettings,
  now: Date,
): ObjectSettings {
  const { serverSideEncryption, kmsKeyId, storageClass, lock, lockMode } = settings;
  return {
    ...(serverSideEncryption === undefined ? {} : { ServerSideEncryption: serverSideEncryption }),
    ...(kmsKeyId === undefined ? {} : { SSEKMSKeyId: kmsKeyId }),
    ...(storageClass === undefined || describesOthers(key)
      ? {}
      : { StorageClass: storageClass as NonNullable<ObjectSettings['StorageClass']> }),
    ...(lock === undefined ? {} : lockOf(lockUntil, lockMode, now)),
  };
}

/** Read by every listing of backups: an archive would make each of them slow, or impossible. */
function describesOthers(key: ObjectKey): boolean {
  return key.endsWith('.json') || key.endsWith('SHA256SUMS');
}

function lockOf(until: Date | 'forever' | undefined, mode: StorageSettings['lockMode'], now: Date): ObjectSettings {
  if (until === 'forever') return { ObjectLockLegalHoldStatus: 'ON' };
  // A store refuses a date that has passed.
  if (until === undefined || until <= now) return {};
  return { ObjectLockMode: mode === 'compliance' ? 'COMPLIANCE' : 'GOVERNANCE', ObjectLockRetainUntilDate: until };
}
