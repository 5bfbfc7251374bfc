import { expect, test } from 'vitest';
import { parseS3Location } from '../../../../src/storage/s3/location.ts';

test.each([
  ['s3://backups', { scheme: 's3', bucket: 'backups', root: '' }],
  ['s3://backups/', { scheme: 's3', bucket: 'backups', root: '' }],
  ['s3://my.bucket-1/a/b/', { scheme: 's3', bucket: 'my.bucket-1', root: 'a/b/' }],
  ['S3://backups/Team_A', { scheme: 's3', bucket: 'backups', root: 'Team_A/' }],
  ['gs://backups/a', { scheme: 'gs', bucket: 'backups', root: 'a/' }],
])('%s is read', (text, expected) => {
  expect(parseS3Location(text)).toEqual(expected);
});

test.each([
  's3://',
  's3://ab',
  's3:///prefix',
  's3://Bucket',
  's3://bucket/../other',
  's3://bucket//twice',
  's3://bucket/.hidden',
  's3://bucket/a b',
])('%s is refused', (text) => {
  expect(() => parseS3Location(text)).toThrow(expect.objectContaining({ code: 'USAGE' }));
});

test.each(['s3://key:secret@bucket/x', 's3://bucket/x?secret=secret'])('%s is refused without its secret', (text) => {
  expect(() => parseS3Location(text)).toThrow(/^(?!.*secret)/);
  expect(() => parseS3Location(text)).toThrow(expect.objectContaining({ code: 'USAGE' }));
});
