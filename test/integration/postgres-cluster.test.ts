import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { type Cluster, startCluster } from '../support/postgres/cluster.ts';
import { sharedCluster } from '../support/postgres/shared-cluster.ts';
import { startStandby } from '../support/postgres/standby.ts';
import { postgresVersions } from '../support/postgres/versions.ts';
import { processesIn } from '../support/processes.ts';

const holder = fileURLToPath(new URL('../support/postgres/hold-cluster.ts', import.meta.url));
const psql = (cluster: Cluster, target: string, env: Readonly<Record<string, string>> = {}): Promise<string> =>
  execa(`${cluster.binDir}/psql`, ['-XAtq', '-d', target, '-c', 'SELECT current_user, current_database()'], {
    env,
  }).then(({ stdout }) => stdout);

afterEach(() => void vi.unstubAllEnvs());

describe.each(postgresVersions())('a cluster of PostgreSQL %s', (version) => {
  const shared = sharedCluster({ version });

  test('is of that version, and so are its programs', async () => {
    expect(await shared().sql('postgres', 'SHOW server_version')).toMatch(new RegExp(`^${version}\\.`));
    for (const program of ['pg_dump', 'pg_restore', 'pg_dumpall', 'psql', 'pgbench', 'initdb']) {
      const { stdout } = await execa(`${shared().binDir}/${program}`, ['--version']);
      expect(stdout).toMatch(new RegExp(`\\) ${version}\\.`));
    }
  });

  test('is reached by URL, by keywords and by the environment, whatever the names', async () => {
    const name = `a b'c"d\\e=f%g/ü😀`;
    await shared().sql('postgres', `CREATE DATABASE "${name.replaceAll('"', '""')}"`);
    const expected = `postgres|${name}`;
    expect(await psql(shared(), shared().url(name))).toBe(expected);
    expect(await psql(shared(), shared().dsn(name))).toBe(expected);
    expect(await psql(shared(), '', { ...shared().env, PGDATABASE: name })).toBe(expected);
  });

  test('stops at the first error of a script', async () => {
    await expect(shared().sql('postgres', 'SELECT 1/0; CREATE TABLE never (a int)')).rejects.toThrow(
      'division by zero',
    );
    expect(await shared().sql('postgres', "SELECT to_regclass('never')")).toBe('');
  });

  test('has extensions and locales of its own', async () => {
    await shared().sql('postgres', 'CREATE EXTENSION btree_gist; CREATE EXTENSION postgres_fdw');
    expect(await shared().sql('postgres', `SELECT 'a' < 'B' COLLATE "en-x-icu"`)).toBe('t');
  });

  test('leaves nothing when it stops', async () => {
    const cluster = await startCluster({ version });
    await cluster.stop();
    expect(existsSync(cluster.socketFolder)).toBe(false);
    expect(processesIn(cluster.socketFolder)).toEqual([]);
  });

  test('leaves nothing when its server is killed under a session at work', async () => {
    const cluster = await startCluster({ version });
    const memory = await sharedMemoryOf(cluster);
    expect(await sharedMemories()).toContain(memory);
    const busy = cluster.sql('postgres', 'SELECT pg_sleep(600)').catch((error: unknown) => error);
    await vi.waitFor(async () => {
      const count = await cluster.sql(
        'postgres',
        "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%sleep(600)'",
      );
      expect(count).toBe('1');
    });
    await cluster.kill();
    expect(await busy).toBeInstanceOf(Error);
    expect(processesIn(cluster.dataFolder)).toEqual([]);
    await cluster.stop();
    expect(existsSync(cluster.socketFolder)).toBe(false);
    expect(await sharedMemories()).not.toContain(memory);
  });

  test('dies with a process that is killed, and leaves nothing', async () => {
    const child = spawn(process.execPath, [holder, version], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    const folder = line.toString().trim();
    expect(processesIn(folder)).not.toEqual([]);
    child.kill('SIGKILL');
    await vi.waitFor(() => expect(existsSync(folder)).toBe(false), { timeout: 30_000 });
    expect(processesIn(folder)).toEqual([]);
  });

  test('has a standby that follows it and takes no writes', async () => {
    await using standby = await startStandby(shared());
    await shared().sql('postgres', 'CREATE TABLE followed AS SELECT 42 AS answer');
    await vi.waitFor(async () => expect(await standby.sql('postgres', 'SELECT answer FROM followed')).toBe('42'), {
      timeout: 30_000,
    });
    await expect(standby.sql('postgres', 'CREATE TABLE own (a int)')).rejects.toThrow('read-only');
  });
});

test('a cluster with a password lets in who knows it, and by TLS who trusts its certificate', async () => {
  await using cluster = await startCluster({ auth: 'scram', ssl: true });
  const trusting = { PGSSLMODE: 'verify-full', PGSSLROOTCERT: cluster.certificate };
  expect(await psql(cluster, cluster.url(), trusting)).toBe('postgres|postgres');
  expect(await psql(cluster, cluster.dsn(), { PGSSLMODE: 'disable' })).toBe('postgres|postgres');
  const wrong = cluster.url().replace(encodeURIComponent(cluster.password), 'wrong');
  await expect(psql(cluster, wrong, trusting)).rejects.toThrow('password authentication failed');
  await expect(psql(cluster, cluster.url(), { PGSSLMODE: 'verify-full', PGSSLROOTCERT: '/nowhere' })).rejects.toThrow();
});

test.each(['14', '15,', '15,latest', ''])(
  'a switch that says "%s" is refused, and not taken for the default',
  (asked) => {
    vi.stubEnv('DBOPS_TEST_PG', asked);
    expect(() => postgresVersions()).toThrow('these tests know 15, 17, 18');
  },
);

test('a switch names versions in the order it likes', () => {
  vi.stubEnv('DBOPS_TEST_PG', '18, 15');
  expect(postgresVersions()).toEqual(['18', '15']);
});

test('a cluster has the encoding, the settings and the rules it was asked for', async () => {
  const hba = ['local all postgres trust', 'local all all reject'];
  await using cluster = await startCluster({ encoding: 'LATIN1', settings: { search_path: "it's, mine" }, hba });
  expect(await cluster.sql('postgres', 'SHOW server_encoding; SHOW search_path')).toBe("LATIN1\nit's, mine");
  await cluster.sql('postgres', 'CREATE ROLE guest LOGIN');
  await expect(psql(cluster, cluster.url('postgres', 'guest'))).rejects.toThrow('rejects connection');
});

test('a server that does not come up says why, and leaves nothing', async () => {
  const failure: unknown = await startCluster({ settings: { shared_buffers: 'plenty' } }).catch((error) => error);
  expect(String(failure)).toContain('invalid value for parameter "shared_buffers": "plenty"');
  const [folder = ''] = /\/\S*dbops-pg-\w+/.exec(String(failure)) ?? [];
  expect(dirname(folder)).not.toBe('.');
  expect(existsSync(folder)).toBe(false);
});

/** The number of the server's piece of System V memory, which the kernel keeps when a server is killed. */
async function sharedMemoryOf(cluster: Cluster): Promise<string> {
  const line = (await readFile(`${cluster.dataFolder}/postmaster.pid`, 'utf8')).split('\n')[6] ?? '';
  return line.trim().split(/\s+/)[1] ?? '';
}

async function sharedMemories(): Promise<string[]> {
  const text = await readFile('/proc/sysvipc/shm', 'utf8');
  return text.split('\n').map((line) => line.trim().split(/\s+/)[1] ?? '');
}
