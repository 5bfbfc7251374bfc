import { Command } from 'commander';
import { expect, test } from 'vitest';
import { dumpOptions, dumpOptionsOf, type DumpFlags } from '../../../src/cli/dump-flags.ts';
import { dumpOptionsSchema } from '../../../src/core/dump-options.ts';

function read(line: string): ReturnType<typeof dumpOptionsOf> {
  const command = dumpOptions(new Command().exitOverride()).configureOutput({ writeErr: () => undefined });
  return dumpOptionsOf(command.parse(line.split(' ').filter(Boolean), { from: 'user' }).opts<DumpFlags>());
}

test('what no flag says is left to the configuration', () => {
  expect(read('')).toEqual({});
});

test.each([
  ['--format directory --jobs 4', { format: 'directory', jobs: 4 }],
  ['--schema-only', { schemaOnly: true }],
  ['--data-only', { dataOnly: true }],
  ['--table users public.o* --table "A.b"', { tables: ['users', 'public.o*', '"A.b"'] }],
  ['--exclude-table a --exclude-table-data b c', { excludeTables: ['a'], excludeTableData: ['b', 'c'] }],
  ['--schema app --exclude-schema audit', { schemas: ['app'], excludeSchemas: ['audit'] }],
  ['--no-owner --no-acl --no-blobs', { owner: false, acl: false, blobs: false }],
  ['--globals --role-passwords', { globals: true, rolePasswords: true }],
])('%s', (line, options) => {
  expect(read(line)).toEqual(options);
  expect(dumpOptionsSchema.parse(options)).toEqual(options);
});

test('every option of the configuration has a flag', () => {
  const every =
    '--format plain --jobs 1 --schema-only --data-only --table a --exclude-table a --exclude-table-data a --schema a ' +
    '--exclude-schema a --no-owner --no-acl --no-blobs --globals --role-passwords';
  expect(Object.keys(read(every)).toSorted()).toEqual(Object.keys(dumpOptionsSchema.shape).toSorted());
});

test.each(['--format tar', '--jobs 0', '--jobs x'])('%s is refused', (line) => {
  expect(() => read(line)).toThrow(/invalid/);
});

test.each([
  { format: 'tar' },
  { jobs: 0 },
  { jobs: 65 },
  { tables: [] },
  { tables: [''] },
  { tables: ['a\0b'] },
  { tables: ['x'.repeat(1_001)] },
  { schemaonly: true },
])('in the configuration %j is refused', (options) => {
  expect(dumpOptionsSchema.safeParse(options).success).toBe(false);
});
