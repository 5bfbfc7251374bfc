import { expect, test } from 'vitest';
import { fileNameOf, readNames } from '../../../../src/core/migrations/folder.ts';

test('a rollback belongs to the file whose name it has', () => {
  const { migrations, problems } = readNames([
    '20260101000002_b.sql',
    '20260101000001_a_rollback.sql',
    '20260101000001_a.sql',
    'README.md',
    '.hidden.sql',
  ]);
  expect(problems).toEqual([]);
  expect(migrations).toEqual([
    {
      version: '20260101000001',
      name: 'a',
      file: '20260101000001_a.sql',
      rollbackFile: '20260101000001_a_rollback.sql',
    },
    { version: '20260101000002', name: 'b', file: '20260101000002_b.sql', rollbackFile: undefined },
  ]);
});

test('a rollback of another version or without its file is an error, and never a migration', () => {
  const { migrations, problems } = readNames(['20260101000001_a.sql', '20260101000002_a_rollback.sql']);
  expect(migrations.map(({ rollbackFile }) => rollbackFile)).toEqual([undefined]);
  expect(problems).toEqual([
    expect.stringContaining('20260101000002_a_rollback.sql rolls back a migration that is not there'),
  ]);
});

test.each([
  [['20260101000001_a.sql', '20260101000001_b.sql'], 'have the same version'],
  [['2026010100001_a.sql'], 'is not named like a migration'],
  [['202601010000011_a.sql'], 'is not named like a migration'],
  [['20260101000001-a.sql'], 'is not named like a migration'],
  [['20260101000001_.sql'], 'is not named like a migration'],
])('%j is a problem', (files, said) => {
  expect(readNames(files).problems).toEqual([expect.stringContaining(said)]);
});

test('no name leads to another folder, or to a rollback', () => {
  for (const name of ['../a', 'a/b', 'a b', '', '_', 'x_rollback', 'ä']) {
    expect(fileNameOf('20260101000001', name), name).toBeUndefined();
  }
  expect(fileNameOf('20260101000001', 'add-users_2')).toBe('20260101000001_add-users_2.sql');
});
