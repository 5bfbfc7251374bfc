import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Cluster } from '../support/postgres/cluster.ts';
import { sharedCluster } from '../support/postgres/shared-cluster.ts';
import { shop } from '../support/postgres/shop.ts';
import { makeDatabase } from '../support/postgres/table-scene.ts';
import { runDbops } from '../support/run-dbops.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const shared = sharedCluster({ auth: 'trust' });

/** A folder with a backup of a shop in it; `app` is the target. */
async function place(cluster: Cluster, more = ''): Promise<{ readonly cwd: string; readonly database: string }> {
  const [cwd, database] = [await temporaryFolder(), await makeDatabase(cluster, shop)];
  const other = await makeDatabase(cluster);
  writeFileSync(
    join(cwd, 'dbops.yaml'),
    `targets:\n  app: { database: "${cluster.url(database)}"${more} }\n  billing: { database: "${cluster.url(other)}" }\n`,
  );
  const backup = await runDbops(['backup', 'app'], { cwd });
  expect([backup.exitCode, backup.stderr]).toEqual([0, expect.anything()]);
  return { cwd, database };
}

test('a table that was dropped comes back into the running database', async () => {
  const { cwd, database } = await place(shared());
  await shared().sql(database, 'DROP TABLE orders, users');
  const into = shared().url(database);
  const restored = await runDbops(['restore', '--table', 'users', 'public.orders', '--into', into], { cwd });
  expect([restored.exitCode, restored.stdout]).toEqual([
    0,
    'restored table public.orders: 3 rows\nrestored table public.users: 5 rows',
  ]);
  expect(await shared().sql(database, 'SELECT count(*) FROM orders JOIN users ON users.id = user_id')).toBe('2');
});

test('a table that is there is replaced only with --overwrite, and kept', async () => {
  const { cwd, database } = await place(shared());
  await shared().sql(database, "UPDATE users SET name = 'spoilt'");
  const refused = await runDbops(['restore', '--target', 'app', '--table', 'users'], { cwd });
  expect([refused.exitCode, refused.stderr]).toEqual([9, expect.stringContaining('public.users exists there')]);
  const restored = await runDbops(['restore', '--target', 'app', '--table', 'users', '--overwrite', '--json'], { cwd });
  const { kept, tables } = restored.json() as { kept: string; tables: object[] };
  expect(tables).toEqual([{ name: 'public.users', rows: 5 }]);
  expect(await shared().sql(database, `SELECT DISTINCT name FROM ${kept}.users`)).toBe('spoilt');
  expect(await shared().sql(database, "SELECT count(*) FROM users WHERE name = 'spoilt'")).toBe('0');
});

test('SQL for review names where it came from', async () => {
  const { cwd } = await place(shared());
  const written = await runDbops(['restore', '--table', 'users', '--as-sql', 'users.sql'], { cwd });
  expect([written.exitCode, written.stdout]).toEqual([
    0,
    `wrote table public.users: 5 rows\n${join(cwd, 'users.sql')}`,
  ]);
  const text = readFileSync(join(cwd, 'users.sql'), 'utf8');
  expect(text).toMatch(/^-- users from app\/\S+, backed up \S+, by dbops\n-- replay it with: psql .*\nBEGIN;\n/);
  expect(text).toMatch(/COPY public\.users \(id, name, email\) FROM stdin;\n1\tuser 1\t1@x\n/);
  expect(statSync(join(cwd, 'users.sql')).mode & 0o777).toBe(0o600);
});

describe('--dry-run', () => {
  test('knows tables by their names, with their schemas and without', async () => {
    const { cwd } = await place(shared());
    for (const table of ['users', 'public.users', 'USERS', 'events', 'ev*', '"Odd schema"."Tab""le ü; DROP"']) {
      const planned = await runDbops(['restore', '--table', table, '--dry-run', '--target', 'app'], { cwd });
      expect([table, planned.exitCode, planned.stderr]).toEqual([table, 0, '']);
    }
    for (const table of ['nope', 'private.users', '"USERS"']) {
      const refused = await runDbops(['restore', '--table', table, '--dry-run', '--target', 'app'], { cwd });
      expect([table, refused.exitCode]).toEqual([table, 10]);
    }
  });
});

describe('a target on a server', () => {
  test('that is protected wants its name, by whatever address it is called', async () => {
    const { cwd, database } = await place(shared(), ', protected: true');
    const { port } = shared();
    const addresses = [
      'app',
      shared().url(database),
      `postgresql://other@localhost:${port}/${database}`,
      `host=${shared().socketFolder} port=${port} dbname=${database}`,
    ];
    for (const into of addresses) {
      const args = ['restore', '--target', 'app', '--table', 'users', '--overwrite', '--into', into];
      const refused = await runDbops([...args, '--yes'], { cwd });
      expect([into, refused.exitCode, refused.stderr]).toEqual([
        into,
        9,
        expect.stringContaining('--yes-replace app '),
      ]);
    }
    const args = ['restore', '--table', 'users', '--overwrite', '--target', 'app', '--yes-replace'];
    expect((await runDbops([...args, 'billing'], { cwd })).exitCode).toBe(2);
    expect((await runDbops([...args, 'app'], { cwd })).exitCode).toBe(0);
  });

  test('that the backup is not of wants its name', async () => {
    const { cwd } = await place(shared());
    const refused = await runDbops(
      ['restore', '--target', 'app', '--table', 'users', '--overwrite', '--into', 'billing'],
      {
        cwd,
      },
    );
    expect([refused.exitCode, refused.stderr]).toEqual([9, expect.stringContaining('--yes-replace billing ')]);
  });
});
