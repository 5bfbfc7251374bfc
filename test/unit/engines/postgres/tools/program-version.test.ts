import { describe, expect, test } from 'vitest';
import { compareVersions, parseProgramVersion } from '../../../../../src/engines/postgres/tools/program-version.ts';

describe('the version of a program', () => {
  test.each([
    ['pg_dump (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n', '15.18', 15, 18, false],
    ['psql (PostgreSQL) 17beta1', '17beta1', 17, 0, true],
    ['postgres (PostgreSQL) 18devel', '18devel', 18, 0, true],
    ['pg_dump (PostgreSQL) 16rc1', '16rc1', 16, 0, true],
    ['pg_restore (PostgreSQL) 9.6.24', '9.6.24', 9, 6, false],
    ['pg_dump (EnterpriseDB) 16.4.1', '16.4.1', 16, 4, false],
    ['initdb (PostgreSQL) 18.4', '18.4', 18, 4, false],
  ])('%j is read', (line, text, major, minor, unreleased) => {
    expect(parseProgramVersion(line)).toEqual({ text, major, minor, unreleased });
  });

  test.each([
    '',
    'pg_dump',
    'bash: pg_dump: not found',
    'pg_dump (PostgreSQL) x',
    'pg_dump (PostgreSQL) 123456789',
    'pg_dump (PostgreSQL) 15.18.1.2.3',
  ])('%j is no version', (line) => {
    expect(parseProgramVersion(line)).toBeUndefined();
  });

  test('betas come before the release, and ten after nine', () => {
    const order = ['(x) 15.9', '(x) 15.10', '(x) 17beta1', '(x) 17.0', '(x) 18devel'];
    const parsed = order.toReversed().map((text) => parseProgramVersion(`p ${text}`));
    const sorted = parsed.filter((version) => version !== undefined).toSorted(compareVersions);
    expect(sorted.map(({ text }) => `(x) ${text}`)).toEqual(order);
  });
});
