import { describe, expect, test } from 'vitest';
import { planDump } from '../../../../../src/engines/postgres/source/dump-arguments.ts';

const zstd = { id: 'zstd', level: undefined };
const gzip = { id: 'gzip', level: undefined };

describe('pg_dump compresses where it does that well', () => {
  test.each([
    ['custom', zstd, 15, '--compress=0', false],
    ['custom', zstd, 16, '--compress=zstd:1', true],
    ['custom', { id: 'zstd', level: 9 }, 18, '--compress=zstd:9', true],
    ['custom', gzip, 13, '--compress=6', true],
    ['custom', { id: 'gzip', level: 1 }, 18, '--compress=1', true],
    ['custom', undefined, 18, '--compress=0', false],
    ['directory', zstd, 15, '--compress=0', false],
    ['directory', zstd, 17, '--compress=zstd:1', true],
    ['directory', gzip, 15, '--compress=6', true],
  ] as const)('%s with %j and pg_dump %i', (format, compression, major, word, compressed) => {
    const plan = planDump({ format }, compression, major);
    expect(plan).toMatchObject({ format, compressed });
    expect(plan.args.filter((arg) => arg.startsWith('--compress'))).toEqual([word]);
  });

  test.each([15, 18])('and never in plain SQL, which everybody must be able to read (pg_dump %i)', (major) => {
    expect(planDump({ format: 'plain' }, zstd, major)).toEqual({
      format: 'plain',
      compressed: false,
      args: ['--format=plain'],
    });
  });
});

test('without options all is dumped, as one archive', () => {
  expect(planDump({}, undefined, 15).args).toEqual(['--format=custom', '--compress=0']);
});

test('every option is one of pg_dump, and a value can be nothing but a value', () => {
  const odd = '--file=/etc/passwd';
  const { args } = planDump(
    {
      format: 'directory',
      jobs: 3,
      dataOnly: true,
      tables: [odd, '"A b".*'],
      excludeTables: ['b'],
      excludeTableData: ['c'],
      schemas: ['d'],
      excludeSchemas: ['e'],
      owner: false,
      acl: false,
      blobs: false,
      globals: true,
      rolePasswords: true,
    },
    undefined,
    15,
  );
  expect(args).toEqual([
    '--format=directory',
    '--compress=0',
    '--jobs=3',
    '--data-only',
    '--no-owner',
    '--no-privileges',
    '--no-blobs',
    `--table=${odd}`,
    '--table="A b".*',
    '--exclude-table=b',
    '--exclude-table-data=c',
    '--schema=d',
    '--exclude-schema=e',
  ]);
});

test('what is true by default adds nothing', () => {
  const options = { owner: true, acl: true, blobs: true, schemaOnly: false, dataOnly: false };
  expect(planDump(options, undefined, 15).args).toEqual(planDump({}, undefined, 15).args);
});

test.each([
  [{ schemaOnly: true, dataOnly: true }, '--schema-only and --data-only exclude each other'],
  [{ rolePasswords: true }, '--role-passwords has no effect without --globals'],
  [{ jobs: 2 }, '--jobs has no effect with --format custom'],
  [{ jobs: 2, format: 'plain' as const }, '--jobs has no effect with --format plain'],
])('%j is refused', (options, words) => {
  expect(() => planDump(options, zstd, 16)).toThrow(expect.objectContaining({ code: 'USAGE', message: words }));
});
