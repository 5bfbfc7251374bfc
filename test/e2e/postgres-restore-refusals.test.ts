import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { beforeAll, describe, expect, test } from 'vitest';
import { earlierBackup, expectNothingLeft, expectRefusal, openPlace, type Place } from '../support/postgres/place.ts';
import { sharedCluster } from '../support/postgres/shared-cluster.ts';

// Restores that fail. Whatever happens, `live` is what it was: one table with one row.

const shared = sharedCluster({ auth: 'scram' });

beforeAll(async () => {
  const { sql } = shared();
  await sql('postgres', 'CREATE DATABASE shop');
  await sql('postgres', 'CREATE DATABASE live');
  await sql('live', "CREATE TABLE present AS SELECT 'untouched' AS state");
  await sql('shop', "CREATE TABLE item AS SELECT i, 'row-canary-' || i AS t FROM generate_series(1, 1000) AS i");
});

const earlier = earlierBackup(shared, 'shop');
const live = (): string => shared().url('live');

async function expectUntouched(place: Place): Promise<void> {
  expect(await shared().sql('live', 'SELECT state FROM present')).toBe('untouched');
  const databases = "SELECT string_agg(datname, ' ' ORDER BY datname) FROM pg_database WHERE NOT datistemplate";
  expect(await shared().sql('postgres', databases)).toBe('live postgres shop');
  await expectNothingLeft(place, shared());
}

/** Restores a plain SQL file over `live`. */
async function restoreScript(place: Place, script: string, args: readonly string[] = []) {
  writeFileSync(join(place.cwd, 'dump.sql'), `--\nSET standard_conforming_strings = on;\n${script}`);
  return place.run(['restore', './dump.sql', '--into', live(), '--yes', ...args]);
}

describe('plain SQL whose statement fails ends the restore, without a row in the message', () => {
  test.each([
    [
      'a missing type',
      'CREATE TABLE t (c citext_canary);',
      /type "citext_canary" does not exist; LINE 1: CREATE TABLE t/,
    ],
    ['a missing role', 'CREATE TABLE t (); ALTER TABLE t OWNER TO boss;', /role "boss" does not exist/],
    ['a missing extension', 'CREATE EXTENSION nowhere;', /extension "nowhere" is not available/],
    [
      'a wrong number',
      "CREATE TABLE t (i int); INSERT INTO t VALUES ('row-canary');",
      /invalid input syntax for type integer: "…"/,
    ],
    [
      'a wrong line of COPY',
      'CREATE TABLE t (i int, t text);\nCOPY t FROM stdin;\n1\trow-canary\nrow-canary\n\\.\n',
      /invalid input syntax for type integer: "…"; CONTEXT: +COPY t, line 2/,
    ],
    [
      'a wrong column of COPY',
      'CREATE TABLE t (i int);\nCOPY t FROM stdin;\n1\trow-canary\n\\.\n',
      /extra data after last expected column; CONTEXT: +COPY t, line 1$/,
    ],
    [
      'a check',
      "CREATE TABLE t (t text CHECK (t = 'x'));\nINSERT INTO t VALUES ('a\n;row-canary');",
      /violates check constraint "t_t_check"; DETAIL: +Failing row contains \(…\)$/,
    ],
    [
      'a key',
      "CREATE TABLE t (t text PRIMARY KEY);\nINSERT INTO t VALUES ('row-canary'), ('row-canary');",
      /violates unique constraint "t_pkey"; DETAIL: +Key \(…\)$/,
    ],
    [
      'a statement over lines',
      "CREATE TABLE t (i int);\nINSERT INTO t\nVALUES\n(1),\n('row-canary'::int);",
      /invalid input syntax/,
    ],
    [
      'an encoding',
      'CREATE TABLE t (t text);\nCOPY t FROM stdin;\n\\xff\n\\.\n',
      /invalid byte sequence for encoding "UTF8"/,
    ],
  ])('G21: %s', async (_, script, message) => {
    const place = await openPlace();
    const result = await restoreScript(place, script);
    expectRefusal(result, { exitCode: 3, message, hint: /./ });
    expect(result.stderr).toMatch(/dump\.sql cannot be restored/);
    expect(result.stderr).not.toMatch(/row-canary|Check that the server runs|sslmode/);
    await expectUntouched(place);
  });
});

describe('plain SQL that is more than SQL is refused before anything is changed', () => {
  test.each([
    ['a shell', String.raw`\! touch trapped`],
    ['a program', String.raw`\copy item from program 'touch trapped'`],
    ['another file', String.raw`\i /etc/passwd`],
    ['another database', String.raw`\connect postgres`],
    ['a variable', String.raw`\set x` + '`touch trapped`'],
    ['output', String.raw`SELECT 1 \g | touch trapped`],
    ['a program of the server', `COPY item FROM PROGRAM 'touch trapped';`],
  ])('D6: %s', async (_, line) => {
    const place = await openPlace();
    for (const flags of [[], ['--keep-going']]) {
      expectRefusal(await restoreScript(place, `CREATE TABLE t ();\n${line}\n`, flags), {
        exitCode: 9,
        message: /^line 4: /,
        hint: /Look at that line|made with --create/,
      });
    }
    await expectUntouched(place);
  });

  test('D6: also where a COPY that fails leaves its data to be read as commands', async () => {
    const place = await openPlace();
    const script = `COPY nowhere FROM stdin;\n\\! touch '${place.cwd}/trapped'\nDROP TABLE IF EXISTS x;\n\\.\nCREATE TABLE t ();\n`;
    expectRefusal(await restoreScript(place, script, ['--keep-going']), {
      exitCode: 9,
      message: /^line 3: a COPY cannot be let through/,
      hint: /Leave --keep-going out/,
    });
    expectRefusal(await restoreScript(place, script), {
      exitCode: 3,
      message: /relation "nowhere" does not exist/,
      hint: /./,
    });
    expect((await execa('ls', [place.cwd])).stdout).not.toContain('trapped');
    await expectUntouched(place);
  });

  test('a truncated dump is damage, whatever psql thinks of it', async () => {
    const place = await openPlace();
    const { stdout } = await execa(join(shared().binDir, 'pg_dump'), [], {
      env: { ...shared().env, PGDATABASE: 'shop' },
    });
    const old = stdout.replaceAll(/^\\(un)?restrict .*$/gm, '');
    const between = old.lastIndexOf('\n\n--') + 1;
    for (const [script, message] of [
      [stdout.slice(0, stdout.length / 2), /lacks its end after \\restrict/],
      [old.slice(0, old.length / 2), /lacks the end of .*COPY/],
      [old.slice(0, between), /lacks the comment with which pg_dump ends it/],
    ] as const) {
      writeFileSync(join(place.cwd, 'cut.sql'), script);
      expectRefusal(await place.run(['restore', './cut.sql', '--into', live(), '--yes']), {
        exitCode: 6,
        message,
        hint: /cut off|another/,
      });
      await expectUntouched(place);
    }
  });
});

describe('a destination', () => {
  test('that is there is not replaced unasked, and what would be done is said', async () => {
    const place = await openPlace(earlier());
    expectRefusal(await place.run(['restore', '--into', live()]), {
      exitCode: 9,
      message: /\/live exists$/,
      hint: /--yes/,
    });
    await expectUntouched(place);
  });

  test('that is in use is refused, and who uses it is named', async () => {
    const place = await openPlace(earlier());
    const env = { ...shared().env, PGDATABASE: 'live', PGAPPNAME: 'webshop' };
    const user = execa(join(shared().binDir, 'psql'), ['-X', '-q'], { env, reject: false });
    user.stdin.write('\\echo here\n');
    await new Promise((resolve) => user.stdout.once('data', resolve));
    const result = await place.run(['restore', '--into', live(), '--yes']);
    user.stdin.end();
    await user;
    expectRefusal(result, { exitCode: 9, message: /\/live is in use by webshop as postgres$/, hint: /--allow-open/ });
    await expectUntouched(place);
  });

  test('whose role may not create databases is refused before anything is read', async () => {
    await shared().sql('postgres', "CREATE ROLE clerk LOGIN PASSWORD 'x'");
    const place = await openPlace(earlier());
    const url = `postgresql://clerk:x@127.0.0.1:${shared().port}/mine`;
    expectRefusal(await place.run(['restore', '--into', url]), {
      exitCode: 3,
      message: /permission denied to create database/,
      hint: /CREATEDB/,
    });
    await expectUntouched(place);
  });
});
