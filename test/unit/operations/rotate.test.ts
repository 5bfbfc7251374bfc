import { expect, test } from 'vitest';
import type { Backup } from '../../../src/core/catalog.ts';
import { parseObjectKey } from '../../../src/core/ids.ts';
import type { Manifest } from '../../../src/core/manifest.ts';
import { digestRecipients, isForRecipients } from '../../../src/core/recipients-digest.ts';
import { planRotation } from '../../../src/operations/rotate.ts';
import { aBackup, backupId } from '../../support/manifests.ts';

const ids = ['20261118T020000Z-00000001', '20261119T020000Z-00000002', '20261120T020000Z-00000003'] as const;
const [first, second, third] = ids;
const salt = Buffer.alloc(8, 7);
const [mine, others] = [['age1b', 'age1a'], ['age1c']];

/** An encrypted backup with the finishing time that its id says. */
function made(id: string, recipients: readonly string[] | undefined, change: Partial<Manifest> = {}): Backup {
  const parts = [{ name: parseObjectKey('app.db.age'), bytes: 1, sha256: 'a'.repeat(64), codecs: [{ id: 'age' }] }];
  const recipientsDigest = recipients === undefined ? {} : { recipientsDigest: digestRecipients(recipients, salt) };
  const finishedAt = `${id.slice(0, 4)}-${id.slice(4, 6)}-${id.slice(6, 8)}T02:00:00.000Z`;
  return aBackup({ id: backupId(id), finishedAt, parts, ...recipientsDigest, ...change });
}

const decide = (...backups: Backup[]): string[] =>
  planRotation({ backups, broken: [], litter: [] }, mine).map(({ type, backup }) => `${type} ${backup.manifest.id}`);

test('what is encrypted for others is encrypted anew, oldest first', () => {
  expect(decide(made(second, others), made(first, others), made(third, undefined))).toEqual([
    `rewrap ${first}`,
    `rewrap ${second}`,
    `rewrap ${third}`,
  ]);
});

test('what is encrypted for the same recipients, in whatever order they are named, is left alone', () => {
  expect(decide(made(first, mine), made(second, mine.toReversed()), made(third, [...mine, ...mine]))).toEqual(
    ids.map((id) => `skip ${id}`),
  );
  expect(decide(made(first, ['age1b']), made(second, [...mine, ...others]))).toEqual([
    `rewrap ${first}`,
    `rewrap ${second}`,
  ]);
});

test('what is not encrypted is left alone', () => {
  expect(planRotation({ backups: [aBackup()], broken: [], litter: [] }, mine)).toMatchObject([
    { type: 'skip', reason: 'it is not encrypted' },
  ]);
});

test('where a run was stopped between the copy and the removal, only the removal is left, also the second time', () => {
  expect(decide(made(first, others), made(second, mine, { rotatedFrom: first }))).toEqual([
    `finish ${first}`,
    `skip ${second}`,
  ]);
  const [before, after] = [{ rotatedFrom: first }, { rotatedFrom: first }];
  expect(decide(made(second, others, before), made(third, mine, after))).toEqual([`finish ${second}`, `skip ${third}`]);
  // A copy for yet others is none.
  expect(decide(made(first, undefined), made(second, others, { rotatedFrom: first }))).toEqual([
    `rewrap ${first}`,
    `rewrap ${second}`,
  ]);
});

test('a digest of recipients tells them to whoever knows them, and is another one each time', () => {
  const one = digestRecipients(mine, salt);
  expect(isForRecipients(mine, one)).toBe(true);
  expect(isForRecipients(others, one)).toBe(false);
  expect(isForRecipients(mine, undefined)).toBe(false);
  expect(isForRecipients(mine, 'nonsense')).toBe(false);
  expect(digestRecipients(mine, Buffer.alloc(8, 8)).split('-')[1]).not.toBe(one.split('-')[1]);
});

test('a copy that a verification has found bad finishes nothing', () => {
  const bad = { ...made(second, mine, { rotatedFrom: first }), good: false };
  expect(decide(made(first, others), bad)).toEqual([`rewrap ${first}`, `skip ${second}`]);
});
