import { expect, test } from 'vitest';
import { findStorageDriver } from '../../../src/storage/driver.ts';

test.each([
  ['./backups', 'local'],
  ['/srv/backups', 'local'],
  ['file:///srv/backups', 'local'],
  ['./s3:bone', 'local'],
  ['host:folder', 'local'],
  ['files:x', 'local'],
  ['s3', 'local'],
  ['s3/bone', 'local'],
  ['s3-bone:x', 'local'],
  ['backups/s3:bone', 'local'],
  ['s3://bone/cp', 's3'],
  ['S3://bone/cp', 's3'],
  ['gs://bone', 's3'],
])('%s is a location of the driver %s', (location, name) => {
  expect(findStorageDriver(location).name).toBe(name);
});

test.each([
  ['s3:bone/cp', 's3://bucket/prefix'],
  ['s3:/bone/cp', 's3://bucket/prefix'],
  ['S3:bone', 's3://bucket/prefix'],
  ['s3;//x', 's3://bucket/prefix'],
  ['s3//x', 's3://bucket/prefix'],
  ['gs:bone', 'gs://bucket/prefix'],
  ['GS:/bone', 'gs://bucket/prefix'],
  ['file:x', 'file:///folder'],
  ['file:/srv/x', 'file:///folder'],
])('%s is no folder, and the right form is said', (location, form) => {
  expect(() => findStorageDriver(location)).toThrow(
    expect.objectContaining({ code: 'USAGE', hint: expect.stringContaining(form) }),
  );
});

test('a scheme that is not known is said', () => {
  expect(() => findStorageDriver('ftp://host/x')).toThrow(/no storage is known for ftp:/);
});
