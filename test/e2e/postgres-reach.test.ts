import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { beforeAll, describe, expect, test } from 'vitest';
import { expectRefusal, openPlace } from '../support/postgres/place.ts';
import { sharedCluster } from '../support/postgres/shared-cluster.ts';

const shared = sharedCluster();
const databases = (): Promise<string> => shared().sql('postgres', 'SELECT datname FROM pg_database ORDER BY 1');

beforeAll(async () => {
  await shared().sql('postgres', 'CREATE DATABASE live');
  await shared().sql('live', 'CREATE TABLE precious AS SELECT i FROM generate_series(1, 1000) AS i');
});

describe('a restore changes nothing but the database that it is told', () => {
  test.each([
    ['DROP DATABASE live', 'DROP DATABASE live;\nCREATE TABLE x (a int);\n'],
    ['ALTER SYSTEM', "ALTER SYSTEM SET log_statement = 'all';\n"],
    ['a role', 'CREATE ROLE intruder SUPERUSER;\n'],
  ])('when the script has %s', async (_, script) => {
    const place = await openPlace();
    const before = await databases();
    await writeFile(join(place.cwd, 'evil.sql'), script);
    for (const flags of [[], ['--allow-commands']]) {
      expectRefusal(await place.run(['restore', './evil.sql', '--into', shared().url('copy'), '--quiet', ...flags]), {
        exitCode: 9,
        message: /reaches beyond the database that is restored/,
        hint: /made with --create or by pg_dumpall/,
      });
    }
    expect(await databases()).toBe(before);
    expect(await shared().sql('live', 'SELECT count(*) FROM precious')).toBe('1000');
    expect(await shared().sql('postgres', "SELECT count(*) FROM pg_roles WHERE rolname = 'intruder'")).toBe('0');
  });

  test('when the script was made with --create --clean, whatever is allowed', async () => {
    const place = await openPlace();
    const file = join(place.cwd, 'clean.sql');
    await execa(join(shared().binDir, 'pg_dump'), ['-C', '-c', '-f', file, '-d', shared().url('live')]);
    await shared().sql('live', 'INSERT INTO precious SELECT generate_series(1001, 1100)');
    for (const flags of [[], ['--allow-commands']]) {
      const refused = await place.run(['restore', file, '--into', shared().url('live_test'), '--quiet', ...flags]);
      expectRefusal(refused, { exitCode: 9, message: /./, hint: /made with --create/ });
    }
    expect(await shared().sql('live', 'SELECT count(*) FROM precious')).toBe('1100');
    await shared().sql('live', 'DELETE FROM precious WHERE i > 1000');
  });

  test.each(['template0', 'template1'])('not %s, from which databases are made', async (name) => {
    const place = await openPlace();
    place.configure({ database: shared().url('live') });
    expect((await place.run(['backup', 'shop', '--quiet'])).exitCode).toBe(0);
    expectRefusal(await place.run(['restore', '--into', shared().url(name), '--yes', '--quiet']), {
      exitCode: 9,
      message: /is a template/,
      hint: /another database/,
    });
  });
});

describe('a backup can be restored by dbops', () => {
  test.each([
    ['another client_encoding', "SET client_encoding = 'latin1'"],
    ['the old reading of strings', 'SET standard_conforming_strings = off'],
  ])('of a database with %s, in every format', async (_, setting) => {
    const name = `set_${setting.length}`;
    await shared().sql('postgres', `CREATE DATABASE ${name}`);
    await shared().sql(name, String.raw`CREATE TABLE t AS SELECT 'back\slash, 10 €' AS word`);
    await shared().sql('postgres', `ALTER DATABASE ${name} ${setting}`);
    const place = await openPlace();
    for (const format of ['custom', 'plain']) {
      const { exitCode, stderr } = await place.run([
        'backup',
        shared().url(name),
        '--format',
        format,
        '--facts',
        'content',
        '--verify',
        'restore',
      ]);
      expect(exitCode, stderr).toBe(0);
    }
  });

  test('that holds the search path of a function in another spelling', async () => {
    await shared().sql('postgres', 'CREATE DATABASE spelt');
    await execa(join(shared().binDir, 'psql'), ['-Xq', '-d', shared().url('spelt')], {
      env: { PGOPTIONS: '-c search_path=app,public' },
      input: `CREATE SCHEMA app; CREATE FUNCTION app.f() RETURNS int LANGUAGE sql SET search_path FROM CURRENT AS 'SELECT 1'`,
    });
    const place = await openPlace();
    const { exitCode, stdout, stderr } = await place.run(['backup', shared().url('spelt'), '--verify', 'restore']);
    expect(exitCode, stdout + stderr).toBe(0);
  });
});

test('a tar that was cut off is damaged, and no restore of it goes on for ever', async () => {
  const place = await openPlace();
  await execa(
    'sh',
    ['-c', '"$0" -Ft -d "$1" | head -c 5000 > cut.tar', join(shared().binDir, 'pg_dump'), shared().url('live')],
    {
      cwd: place.cwd,
    },
  );
  expectRefusal(await place.run(['restore', './cut.tar', '--into', shared().url('tarred'), '--quiet']), {
    exitCode: 6,
    message: /cut\.tar is damaged/,
    hint: /Copy it again/,
  });
});

test('an address in the place of a backup is not repeated, since a password may be in it', async () => {
  const place = await openPlace();
  const result = await place.run(['verify', 'postgresql://me:S3crPwd@db/shop']);
  expectRefusal(result, { exitCode: 2, message: /address of a database/, hint: /--into/ });
  expect(result.stderr).not.toContain('S3crPwd');
});

test('who loses a right by a restore is told', async () => {
  await shared().sql('postgres', 'CREATE ROLE webapp; CREATE DATABASE owned OWNER webapp');
  await shared().sql('owned', 'SET ROLE webapp; CREATE TABLE t (a int); RESET ROLE; GRANT SELECT ON t TO postgres');
  const place = await openPlace();
  expect((await place.run(['backup', shared().url('owned'), '--quiet'])).exitCode).toBe(0);
  const { exitCode, stderr } = await place.run(['restore', '--into', shared().url('owned'), '--yes']);
  expect(exitCode, stderr).toBe(0);
  expect(stderr).toMatch(/not to webapp: add --owner/);
  expect(stderr).toMatch(/grants were left out/);
});
