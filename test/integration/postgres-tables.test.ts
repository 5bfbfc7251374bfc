import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { sharedCluster } from '../support/postgres/shared-cluster.ts';
import { ground, odd, shop } from '../support/postgres/shop.ts';
import {
  bringTables,
  dumpParts,
  engineOn,
  formats,
  keptSchema,
  makeDatabase,
  stateOf,
} from '../support/postgres/table-scene.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const shared = sharedCluster();

describe.each(formats)('from a dump in the format %s', (format) => {
  test('tables come back as they were, with all that is theirs', async () => {
    const cluster = shared();
    const source = await makeDatabase(cluster, shop);
    const into = await makeDatabase(cluster, ground);
    const parts = await dumpParts(cluster, source, format);

    const result = await bringTables(cluster, parts, into, ['users', 'public.orders', 'events', odd]);

    expect(await stateOf(cluster, into)).toBe(await stateOf(cluster, source));
    const rows = Object.fromEntries(result.tables.map((table) => [table.name, table.rows]));
    expect(rows).toEqual({ 'public.users': 5, 'public.orders': 3, 'public.events': 3, [odd]: 1 });
    expect(result.kept).toBeUndefined();
    expect(await cluster.sql(into, "INSERT INTO users (name) VALUES ('n') RETURNING id")).toBe('78');
    expect(await cluster.sql(into, 'INSERT INTO orders (user_id) VALUES (1) RETURNING id')).toBe('4');
  });

  test('a table takes the place of another, which is kept, and all lead to the new one', async () => {
    const cluster = shared();
    const source = await makeDatabase(cluster, shop);
    const parts = await dumpParts(cluster, source, format);
    await cluster.sql(source, `UPDATE users SET name = 'changed'; INSERT INTO users (id, name) VALUES (90, 'late')`);
    const before = await stateOf(cluster, source, ['--schema-only']);

    const result = await bringTables(cluster, parts, source, ['users'], { overwrite: true });

    expect(result).toMatchObject({ tables: [{ name: 'public.users', rows: 5 }], kept: keptSchema });
    expect(result.warnings.join()).toContain(`DROP SCHEMA ${keptSchema} CASCADE`);
    expect(await cluster.sql(source, `SELECT count(*), min(name) FROM ${keptSchema}.users`)).toBe('6|changed');
    expect(
      await cluster.sql(source, 'SELECT count(*), min(name), last_value FROM users, users_id_seq GROUP BY 3'),
    ).toBe('5|user 1|77');
    await cluster.sql(source, `DELETE FROM users WHERE id = 1; DROP SCHEMA ${keptSchema} CASCADE`);
    expect(await cluster.sql(source, 'SELECT count(*) FROM orders')).toBe('2');
    expect(await stateOf(cluster, source, ['--schema-only'])).toBe(before);
  });

  test('a whole partitioned table is replaced, newer partitions are kept with the old one', async () => {
    const cluster = shared();
    const source = await makeDatabase(cluster, shop);
    const parts = await dumpParts(cluster, source, format);
    await cluster.sql(
      source,
      `
      CREATE TABLE events_2026 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
      INSERT INTO events VALUES ('2026-05-05', 'new')`,
    );
    await bringTables(cluster, parts, source, ['events'], { overwrite: true });
    expect(await cluster.sql(source, `SELECT (SELECT count(*) FROM events), count(*) FROM ${keptSchema}.events`)).toBe(
      '3|4',
    );
  });

  test('one partition is replaced inside its table', async () => {
    const cluster = shared();
    const source = await makeDatabase(cluster, shop);
    const parts = await dumpParts(cluster, source, format);
    await cluster.sql(source, `UPDATE events SET what = 'spoilt'`);
    await bringTables(cluster, parts, source, ['events_2025'], { overwrite: true });
    expect(await cluster.sql(source, 'SELECT bool_and(indisvalid) FROM pg_index')).toBe('t');
    const rows = 'SELECT what FROM events ORDER BY at';
    expect(await cluster.sql(source, rows)).toBe('spoilt\ntwo\nthree');
    await cluster.sql(source, 'DROP TABLE events_2024');
    await bringTables(cluster, parts, source, ['events_2024']);
    expect(await cluster.sql(source, rows)).toBe('one\ntwo\nthree');
  });

  test('SQL for review gives the same tables when psql replays it', async () => {
    const cluster = shared();
    const source = await makeDatabase(cluster, shop);
    const into = await makeDatabase(cluster, ground);
    const folder = await temporaryFolder();
    const file = join(folder, 'tables.sql');
    const request = {
      tables: ['users', 'orders', 'events', odd],
      comments: ['from a backup\n; not a statement'],
      scratch: await temporaryFolder(),
      signal: new AbortController().signal,
    };
    const parts = await dumpParts(cluster, source, format);

    const result = await engineOn(cluster).exportTables(parts, file, request);

    expect(result.tables).toContainEqual({ name: 'public.events', rows: 3 });
    expect(result.tables.length).toBe(4);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await readFile(file, 'utf8')).startsWith('-- from a backup ; not a statement\n')).toBe(true);
    await execa(join(cluster.binDir, 'psql'), ['-X', '-q', '-v', 'ON_ERROR_STOP=1', '-o', '/dev/null', '-f', file], {
      env: { ...cluster.env, PGDATABASE: into },
    });
    expect(await stateOf(cluster, into)).toBe(await stateOf(cluster, source));
    await expect(
      engineOn(cluster).exportTables(parts, file, { ...request, scratch: await temporaryFolder() }),
    ).rejects.toMatchObject({ code: 'REFUSED', message: `${file} exists already` });
  });
});

test('of a directory only the files of the tables are fetched', async () => {
  const cluster = shared();
  const source = await makeDatabase(cluster, shop);
  const parts = await dumpParts(cluster, source, 'directory');
  const result = await bringTables(cluster, parts, await makeDatabase(cluster), ['users']);
  expect(result.tables).toEqual([{ name: 'public.users', rows: 5 }]);
  expect(new Set(parts.opened)).toEqual(new Set(['toc.dat', expect.stringMatching(/^\d+\.dat\.gz$/)]));
});
