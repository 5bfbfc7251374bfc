import { readFileSync } from 'node:fs';
import { copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { sharedCluster } from '../support/postgres/shared-cluster.ts';
import { runDbops, type RunResult } from '../support/run-dbops.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { treeOf } from '../support/tree.ts';

const cluster = sharedCluster({ auth: 'scram' });
const shop = fileURLToPath(new URL('../../fixtures/databases/shop.db', import.meta.url));

const run = (cwd: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<RunResult> =>
  runDbops(args, { cwd, env });

describe('options that contradict each other are refused before the server is asked for anything', () => {
  test.each([
    [['--schema-only', '--data-only'], '--schema-only and --data-only exclude each other'],
    [['--jobs', '2'], '--jobs has no effect with --format custom'],
    [['--role-passwords'], '--role-passwords has no effect without --globals'],
  ])('%j, with --dry-run too', async (flags, words) => {
    for (const more of [[], ['--dry-run']]) {
      const result = await run(await temporaryFolder(), ['backup', 'postgresql://127.0.0.1:1/x', ...flags, ...more]);
      expect(result).toMatchObject({ exitCode: 2, stdout: '', stderr: expect.stringContaining(words) });
    }
  });
});

test('an empty word, as of a variable that is not set, names no database', async () => {
  const folder = await temporaryFolder();
  const results = await Promise.all([run(folder, ['backup', '']), run(folder, ['restore', '--into', ' '])]);
  expect(results[0]).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('an empty word names no database') });
  expect(results[1]?.exitCode).not.toBe(0);
});

test('a backup of one kind of database is not restored into one of another kind', async () => {
  const folder = await temporaryFolder();
  await copyFile(shop, join(folder, 'app.db'));
  await run(folder, ['backup', 'app.db', '--storage', 'lite']);
  await run(folder, ['backup', cluster().url(), '--storage', 'big']);
  const before = treeOf(folder);
  const results = await Promise.all([
    run(folder, ['restore', '--storage', 'lite', '--into', cluster().url('lite')]),
    run(folder, ['restore', '--storage', 'big', '--into', 'copy.db']),
  ]);
  for (const result of results)
    expect(result).toMatchObject({ exitCode: 2, stderr: expect.stringContaining(' is of ') });
  expect(treeOf(folder)).toEqual(before);
});

describe('the password of an address', () => {
  const secrets = (): string[] => [cluster().password, encodeURIComponent(cluster().password)];
  const expectNone = (text: string): void => {
    for (const secret of secrets()) expect(text).not.toContain(secret);
  };

  test('is in no output, no log and no file', async () => {
    const folder = await temporaryFolder();
    const args = ['--log-level', 'trace', '--log-file', 'all.log', '--json'];
    const results = [
      await run(folder, ['backup', cluster().url(), '--globals', ...args]),
      await run(folder, ['restore', '--into', cluster().url('copy'), ...args]),
      await run(folder, ['restore', '--into', cluster().url('copy'), '--yes', ...args]),
      await run(folder, ['backup', cluster().url('nowhere'), ...args]),
    ];
    expect(results.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0, 3]);
    for (const { stdout, stderr } of results) expectNone(stdout + stderr);
    const kept = treeOf(folder).filter((path) => /\.(json|log)$|SUMS$/.test(path));
    expect(kept.length).toBeGreaterThanOrEqual(3);
    for (const path of kept) expectNone(readFileSync(join(folder, path), 'utf8'));
  });

  test('does not get into a configuration', async () => {
    const folder = await temporaryFolder();
    const { stdout, exitCode } = await run(folder, ['init', cluster().url('shop'), '--dry-run']);
    expect(exitCode).toBe(0);
    expect(stdout).toContain(`database: "postgresql://postgres@127.0.0.1:${cluster().port}/shop"`);
    expectNone(stdout);
  });
});

test('a database has one identity, whoever asks for it and however', async () => {
  const folder = await temporaryFolder();
  await cluster().sql('postgres', "CREATE DATABASE one; CREATE ROLE other LOGIN SUPERUSER PASSWORD 'other'");
  const other = `postgresql://other:other@127.0.0.1:${cluster().port}/one?sslmode=disable&application_name=x`;
  const results = [await run(folder, ['backup', cluster().url('one')]), await run(folder, ['backup', other])];
  expect(results.map(({ exitCode }) => exitCode)).toEqual([0, 0]);
});

test('a role that may not put a database in the place of another is told so, and nothing is changed', async () => {
  const folder = await temporaryFolder();
  await cluster().sql('postgres', "CREATE DATABASE kept; CREATE ROLE weak LOGIN CREATEDB PASSWORD 'weak'");
  await run(folder, ['backup', cluster().url('kept')]);
  const weak = `postgresql://weak:weak@127.0.0.1:${cluster().port}/kept`;
  const result = await run(folder, ['restore', '--into', weak, '--yes']);
  expect(result.exitCode).toBe(3);
  expect(result.stderr).toContain('cannot be replaced, and is as it was');
  expect(result.stderr).toContain('Use a superuser');
  const left = await cluster().sql('postgres', "SELECT datname FROM pg_database WHERE datname LIKE 'kept%'");
  expect(left).toBe('kept');
});

test('a configuration is checked for addresses that cannot be read and options without effect, all at once', async () => {
  const folder = await temporaryFolder();
  const config = {
    targets: {
      one: { database: 'postgresql://me:hunter2@db/x?shmod=1', dump: { jobs: 2 } },
      two: { database: 'postgresql://db/x', replica: 'mysql://db/x', dump: { schemaOnly: true, dataOnly: true } },
    },
    scratchUrl: 'postgresql://me:a/hunter2@db',
  };
  await writeFile(join(folder, 'dbops.json'), JSON.stringify(config));
  const { exitCode, stderr } = await run(folder, ['config', 'check']);
  expect(exitCode).toBe(2);
  expect(stderr).toContain('has 5 problems');
  for (const place of ['one.database', 'one.dump', 'two.replica', 'two.dump', 'scratchUrl']) {
    expect(stderr).toMatch(new RegExp(`^  (targets\\.)?${place}: `, 'm'));
  }
  expect(stderr).not.toContain('hunter2');
});

describe('nothing but the environment is needed', () => {
  test('DATABASE_*, as scripts have them', async () => {
    const folder = await temporaryFolder();
    const env = {
      DATABASE_HOST: '127.0.0.1',
      DATABASE_PORT: `${cluster().port}`,
      DATABASE_USER: 'postgres',
      DATABASE_NAME: 'postgres',
      DATABASE_PASSWORD: cluster().password,
      BACKUP_DIR: 'here',
    };
    const { exitCode, stdout } = await run(folder, ['backup', '--quiet'], env);
    expect([exitCode, stdout]).toEqual([0, expect.stringMatching(/^postgres: /)]);
    expect(treeOf(join(folder, 'here'))).toContain('postgres/');
  });

  test('PG*, with backups under the name of the database', async () => {
    const folder = await temporaryFolder();
    await cluster().sql('postgres', 'CREATE DATABASE named');
    const env = { ...cluster().env, PGDATABASE: 'named' };
    const { exitCode, stdout } = await run(folder, ['backup', '--quiet'], env);
    expect([exitCode, stdout]).toEqual([0, expect.stringMatching(/^named: /)]);
  });

  test('the direct way counts before the pooler', async () => {
    const env = { DATABASE_URL: 'postgresql://127.0.0.1:1/pooled', DIRECT_URL: cluster().url() };
    const { exitCode } = await run(await temporaryFolder(), ['backup', '--dry-run'], env);
    expect(exitCode).toBe(0);
  });
});
