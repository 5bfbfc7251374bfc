import { expect, test } from 'vitest';
import { lockSettings, objectSettings } from '../../../../src/storage/s3/object-settings.ts';
import { key } from '../../../support/bodies.ts';

const now = new Date('2026-11-20T00:00:00Z');
const later = new Date('2026-12-20T00:00:00Z');

test.each(['app/x/manifest.json', 'app/x/SHA256SUMS', 'app/lock.json', 'app/x/verify.y.ok.json'])(
  '%s stays in the standard class',
  (name) => {
    expect(objectSettings(key(name), { storageClass: 'STANDARD_IA' })).toEqual({});
  },
);

test('parts have the storage class and the encryption that were said', () => {
  const said = { storageClass: 'STANDARD_IA', serverSideEncryption: 'aws:kms', kmsKeyId: 'k' } as const;
  expect(objectSettings(key('app/x/db.dump.zst'), said)).toEqual({
    StorageClass: 'STANDARD_IA',
    ServerSideEncryption: 'aws:kms',
    SSEKMSKeyId: 'k',
  });
});

test.each([
  ['not asked for', undefined, 'retention', {}],
  ['not set up', later, undefined, {}],
  ['over already', now, 'retention', {}],
  ['until a date', later, 'retention', { ObjectLockMode: 'GOVERNANCE', ObjectLockRetainUntilDate: later }],
  ['for ever', 'forever', 'retention', { ObjectLockLegalHoldStatus: 'ON' }],
] as const)('a lock that is %s', (_, until, lock, expected) => {
  expect(lockSettings(until, lock === undefined ? {} : { lock }, now)).toEqual(expected);
});

test('a lock of compliance is one that nobody lifts', () => {
  const lock = lockSettings(later, { lock: 'retention', lockMode: 'compliance' }, now);
  expect(lock).toMatchObject({ ObjectLockMode: 'COMPLIANCE' });
});
