import { readFileSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { DbopsError } from '../../src/core/errors.ts';
import type { CallOptions } from '../../src/core/ports/storage.ts';
import { childrenOf } from '../support/child-processes.ts';
import { sharedCluster } from '../support/postgres/shared-cluster.ts';
import {
  bringTables,
  dumpParts,
  engineOn,
  formats,
  keptSchema,
  makeDatabase,
  stateOf,
  textParts,
} from '../support/postgres/table-scene.ts';
import { openPsql } from '../support/psql-query.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const shared = sharedCluster();

const shop = `
  CREATE TABLE users (id serial PRIMARY KEY, name text NOT NULL DEFAULT 'nobody', email text UNIQUE);
  CREATE INDEX users_by_name ON users (lower(name));
  CREATE STATISTICS users_stats ON name, email FROM users;
  COMMENT ON TABLE users IS 'people';
  COMMENT ON COLUMN users.name IS 'as they say; it is';
  INSERT INTO users (name, email) SELECT 'user ' || g, g || '@x' FROM generate_series(1, 5) g;
  SELECT setval('users_id_seq', 77);
  CREATE TABLE orders (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, user_id int REFERENCES users ON DELETE CASCADE,
    note text CHECK (note <> 'bad'));
  INSERT INTO orders (user_id, note) VALUES (1, 'a'), (2, E'tab\\t and \\\\. dot'), (NULL, NULL);
  CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
  CREATE TRIGGER orders_touch BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION touch();
  ALTER TABLE orders ENABLE ROW LEVEL SECURITY;
  CREATE POLICY own ON orders USING (user_id > 0);
  CREATE TABLE events (at date NOT NULL, what text) PARTITION BY RANGE (at);
  CREATE TABLE events_2024 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
  CREATE TABLE events_2025 PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
  CREATE INDEX events_at ON events (at);
  INSERT INTO events VALUES ('2024-05-05', 'one'), ('2025-05-05', 'two'), ('2025-06-06', 'three');
  CREATE SCHEMA "Odd schema";
  CREATE TABLE "Odd schema"."Tab\\"le ü; DROP" ("a b" int PRIMARY KEY, "ä" text);
  INSERT INTO "Odd schema"."Tab\\"le ü; DROP" VALUES (1, 'x');
`.replaceAll('\\"', '""');
const odd = '"Odd schema"."Tab""le ü; DROP"';

/** What the tables of a shop need that is no table. */
const ground = `
  CREATE SCHEMA "Odd schema";
  CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';`;

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

describe('what depends on a replaced table', () => {
  const dependents = `
    CREATE ROLE app; CREATE ROLE reader; CREATE ROLE extra;
    CREATE VIEW names WITH (security_barrier = true) AS SELECT id, upper(name) AS loud FROM users;
    CREATE VIEW more AS SELECT n.loud, u.email FROM names n JOIN users u USING (id);
    COMMENT ON VIEW names IS 'a view';
    GRANT SELECT ON names TO reader;
    CREATE FUNCTION howmany() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM users; END;
    CREATE POLICY known ON orders USING (EXISTS (SELECT FROM users u WHERE u.id = user_id));
    CREATE TABLE guests (id int DEFAULT nextval('users_id_seq'));
    COMMENT ON CONSTRAINT orders_user_id_fkey ON orders IS 'must exist';
    ALTER TABLE users OWNER TO app;
    GRANT SELECT ON users TO reader; GRANT UPDATE (email) ON users TO reader WITH GRANT OPTION;
    GRANT USAGE ON users_id_seq TO reader;
    ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO extra;`;

  test('is led to the restored one, in place, with its rights and comments', async () => {
    const cluster = shared();
    const source = await makeDatabase(cluster, shop);
    const parts = await dumpParts(cluster, source);
    await cluster.sql(source, dependents);
    const before = await stateOf(cluster, source);
    await cluster.sql(source, "UPDATE users SET name = 'spoilt'");

    await bringTables(cluster, parts, source, ['users'], { overwrite: true });

    expect(await cluster.sql(source, 'SELECT min(loud) FROM more')).toBe('USER 1');
    await cluster.sql(source, `DROP SCHEMA ${keptSchema} CASCADE`);
    expect(sorted(await stateOf(cluster, source))).toEqual(sorted(before));
    expect(await cluster.sql(source, 'SELECT howmany()')).toBe('5');
  });

  test.each([
    [
      'a materialized view',
      'CREATE MATERIALIZED VIEW sums AS SELECT count(*) FROM users',
      /materialized view public.sums/,
    ],
    [
      'a function that takes its rows',
      'CREATE FUNCTION f(users) RETURNS int LANGUAGE sql AS $$SELECT 1$$',
      /function .*f\(/,
    ],
    ['a table that inherits from it', 'CREATE TABLE child () INHERITS (users)', /table .*child/],
    ['a column of its type', 'CREATE TABLE log (was users)', /column was of table|table .*log/],
    ['a publication', 'CREATE PUBLICATION feed FOR TABLE users', /publication of .*users.* in publication feed/],
  ])('is named when it cannot be led there: %s', async (_what, sql, name) => {
    const cluster = shared();
    const source = await makeDatabase(cluster, shop);
    const parts = await dumpParts(cluster, source);
    await cluster.sql(source, sql);
    const before = await stateOf(cluster, source);
    await expect(bringTables(cluster, parts, source, ['users'], { overwrite: true })).rejects.toMatchObject({
      code: 'REFUSED',
      message: expect.stringMatching(name),
    });
    expect(await stateOf(cluster, source)).toBe(before);
  });

  test('does not hear of the kept one any more: its rows hold nobody back', async () => {
    const cluster = shared();
    const source = await makeDatabase(cluster, shop);
    const parts = await dumpParts(cluster, source);
    await bringTables(cluster, parts, source, ['orders'], { overwrite: true });
    await cluster.sql(source, 'DELETE FROM orders; DELETE FROM users');
    expect(await cluster.sql(source, `SELECT count(*) FROM ${keptSchema}.orders`)).toBe('3');
  });
});

describe('a restore that cannot be leaves everything as it was', () => {
  test.each([
    ['the tables exist', '', ['users'], false, 'REFUSED', /public.users exists there/],
    ['a name is of no table', '', ['nope'], true, 'NOTHING_MATCHES', /no table nope/],
    [
      'a view has the name',
      'DROP TABLE users CASCADE; CREATE VIEW users AS SELECT 1',
      ['users'],
      true,
      'REFUSED',
      /something else/,
    ],
    [
      'a function is missing',
      'DROP FUNCTION touch CASCADE; DROP TABLE orders',
      ['orders'],
      true,
      'REFUSED',
      /function public.touch\(\)/,
    ],
    [
      'the table of a foreign key is missing',
      'DROP TABLE users CASCADE',
      ['orders'],
      true,
      'REFUSED',
      /table public.users/,
    ],
    ['a schema is missing', 'DROP SCHEMA "Odd schema" CASCADE', [odd], true, 'REFUSED', /schema Odd schema/],
    [
      'rows refer to what the backup does not have',
      "INSERT INTO users (id, name) VALUES (99, 'late'); INSERT INTO orders (user_id) VALUES (99)",
      ['users'],
      true,
      'REFUSED',
      /rows of .*orders.* refer to rows/,
    ],
    [
      'a statement fails in the middle',
      'DROP TABLE users CASCADE; CREATE SEQUENCE users_id_seq',
      ['users'],
      true,
      'SOURCE_REFUSED',
      /users_id_seq.* already exists.*CREATE SEQUENCE/,
    ],
  ])('%s', async (_why, sql, tables, overwrite, code, message) => {
    const cluster = shared();
    const source = await makeDatabase(cluster, shop);
    const parts = await dumpParts(cluster, source);
    await cluster.sql(source, sql);
    const before = await stateOf(cluster, source);
    const failure = await bringTables(cluster, parts, source, tables, { overwrite }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ name: 'DbopsError', code, message: expect.stringMatching(message), hint: /./ });
    expect(await stateOf(cluster, source)).toBe(before);
  });
});

describe('a restore that is broken off leaves everything as it was', () => {
  test('by the end of psql in the middle of the rows', async () => {
    const cluster = shared();
    const source = await makeDatabase(cluster, shop);
    const parts = await dumpParts(cluster, source, 'plain');
    const before = await stateOf(cluster, source);
    let opened = 0;
    const killing = {
      ...parts,
      open: async (name: string, options: CallOptions) => {
        const stream = await parts.open(name, options);
        return ++opened < 3 ? stream : Readable.from(killedHalfway(stream, source), { objectMode: false });
      },
    };
    await expect(bringTables(cluster, killing, source, ['users', 'orders'], { overwrite: true })).rejects.toMatchObject(
      {
        name: 'DbopsError',
        message: expect.stringContaining('SIGKILL'),
      },
    );
    expect(await stateOf(cluster, source)).toBe(before);
  });

  test.each(formats)('by the end of a backup whose bytes are not what they were, in the format %s', async (format) => {
    const cluster = shared();
    const source = await makeDatabase(cluster, shop);
    const parts = await dumpParts(cluster, source, format);
    const before = await stateOf(cluster, source);
    const damaged = {
      ...parts,
      open: async (name: string, options: CallOptions) =>
        Readable.from(damagedAtTheEnd(await parts.open(name, options)), { objectMode: false }),
    };
    await expect(bringTables(cluster, damaged, source, ['users'], { overwrite: true })).rejects.toMatchObject({
      code: 'DAMAGED',
      message: 'not the bytes that were stored',
    });
    expect(await stateOf(cluster, source)).toBe(before);
  });

  test.each([
    ['of the replaced table', 'SELECT FROM users', ['users']],
    ['of a table that it refers to', 'DELETE FROM users', ['orders']],
  ])('by a lock %s that somebody holds for too long', async (_which, statement, tables) => {
    const cluster = shared();
    const source = await makeDatabase(cluster, shop);
    const parts = await dumpParts(cluster, source);
    const before = await stateOf(cluster, source);
    await using other = openPsql(join(cluster.binDir, 'psql'), { ...cluster.env, PGDATABASE: source });
    await other.query('BEGIN');
    await other.query(statement);
    const { pid = '' } = (await other.query('SELECT pg_backend_pid() AS pid'))[0] ?? {};
    await expect(
      bringTables(cluster, parts, source, tables, { overwrite: true, lockTimeoutMs: 300 }),
    ).rejects.toMatchObject({
      code: 'SOURCE_REFUSED',
      message: expect.stringMatching(`lock timeout.*held by process ${pid} .*idle in transaction`),
      hint: expect.stringContaining('--lock-timeout'),
    });
    await other.query('ROLLBACK');
    expect(await stateOf(cluster, source)).toBe(before);
  });

  test.each([
    ['COPY', 'COPY t (a, b) FROM stdin;\nsecret one\tsecret two\n\\.\n', 'COPY t, line 1, column a'],
    ['INSERT', "INSERT INTO t (a, b) VALUES ('secret one', 'secret two');\n", 'INSERT INTO t'],
    [
      'a constraint',
      "INSERT INTO t (b) VALUES ('secret');\nALTER TABLE t ADD CHECK (b = '');\n",
      'ALTER TABLE t ADD CHECK',
    ],
  ])('by rows that the server does not take, of which the error says nothing: %s', async (_how, sql, shown) => {
    const cluster = shared();
    const into = await makeDatabase(cluster);
    const failure = await bringTables(cluster, textParts(`CREATE TABLE t (a int, b text);\n${sql}`), into, ['t']).catch(
      (error: unknown) => error,
    );
    expect(failure).toMatchObject({ code: 'SOURCE_REFUSED', message: expect.stringContaining(shown) });
    expect(String((failure as Error).message)).not.toMatch(/secret/);
    expect(await cluster.sql(into, "SELECT to_regclass('t') IS NULL")).toBe('t');
  });
});

test('a destination that is not there is refused, and not made', async () => {
  const cluster = shared();
  const parts = await dumpParts(cluster, await makeDatabase(cluster, shop));
  await expect(bringTables(cluster, parts, 'nowhere', ['users'])).rejects.toMatchObject({
    code: 'SOURCE_REFUSED',
    message: expect.stringContaining('"nowhere" does not exist'),
    hint: expect.stringContaining('Check the name'),
  });
});

test('a backup without rows does not replace those that are there', async () => {
  const cluster = shared();
  const source = await makeDatabase(cluster, shop);
  const parts = await dumpParts(cluster, source, 'custom', ['--schema-only']);
  await expect(bringTables(cluster, parts, source, ['users'], { overwrite: true })).rejects.toMatchObject({
    code: 'REFUSED',
    message: expect.stringContaining('the backup has no rows of public.users'),
  });
  expect(await cluster.sql(source, 'SELECT count(*) FROM users')).toBe('5');
});

test('new tables get the owners and grants of the backup where the server has the roles', async () => {
  const cluster = shared();
  await cluster.sql('postgres', 'CREATE ROLE shopkeeper; CREATE ROLE visitor');
  const source = await makeDatabase(cluster, shop);
  await cluster.sql(source, 'ALTER TABLE users OWNER TO shopkeeper; GRANT SELECT ON users TO visitor');
  const parts = await dumpParts(cluster, source);
  const rights = "SELECT relowner::regrole, relacl FROM pg_class WHERE relname = 'users'";
  const wanted = await cluster.sql(source, rights);
  const into = await makeDatabase(cluster);
  expect((await bringTables(cluster, parts, into, ['users'])).warnings).toEqual([]);
  expect(await cluster.sql(into, rights)).toBe(wanted);
  await cluster.sql(source, 'DROP OWNED BY visitor');
  await cluster.sql(into, 'DROP OWNED BY visitor; DROP ROLE visitor');
  const bare = await makeDatabase(cluster);
  expect((await bringTables(cluster, parts, bare, ['users'])).warnings).toEqual([
    expect.stringContaining('the server lacks the roles visitor'),
  ]);
  expect(await cluster.sql(bare, rights)).toBe('postgres|');
});

async function* killedHalfway(source: AsyncIterable<Buffer>, database: string): AsyncGenerator<Buffer> {
  const whole = Buffer.concat(await Array.fromAsync(source));
  const half = whole.indexOf('\n', whole.indexOf('COPY public.users')) + 5;
  yield whole.subarray(0, half);
  // Not those of other tests that run in this process.
  const isMeant = (pid: number): boolean =>
    readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(`dbname='${database}'`);
  const [pid, ...others] = (await childrenOf(process.pid)).filter(isMeant);
  if (pid === undefined || others.length > 0) throw new Error('not one psql');
  process.kill(pid, 'SIGKILL');
  yield whole.subarray(half);
}

async function* damagedAtTheEnd(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  yield* source;
  throw new DbopsError('DAMAGED', 'not the bytes that were stored');
}

const sorted = (text: string): string[] => text.split('\n').toSorted();
