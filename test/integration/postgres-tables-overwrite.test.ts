import { describe, expect, test } from 'vitest';
import { sharedCluster } from '../support/postgres/shared-cluster.ts';
import { shop } from '../support/postgres/shop.ts';
import { bringTables, dumpParts, keptSchema, makeDatabase, stateOf } from '../support/postgres/table-scene.ts';

const shared = sharedCluster();

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

const sorted = (text: string): string[] => text.split('\n').toSorted();
