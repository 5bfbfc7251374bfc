import { beforeAll, describe, expect, it } from 'vitest';
import type { CheckResult } from '../../src/core/ports/engine.ts';
import { runChecks } from '../../src/engines/postgres/facts/checks.ts';
import { readEnvironment } from '../../src/engines/postgres/facts/environment.ts';
import { readFacts } from '../../src/engines/postgres/facts/facts.ts';
import type { Selection } from '../../src/engines/postgres/facts/selection.ts';
import { keepSteady, readSequences, withSequences } from '../../src/engines/postgres/facts/sequences.ts';
import { findUnreadable, refuseIncompleteSight, type Unreadable } from '../../src/engines/postgres/facts/unreadable.ts';
import { startFactsCluster } from '../support/facts-cluster.ts';

const cluster = startFactsCluster();

beforeAll(() => {
  cluster.sql(
    'postgres',
    `CREATE ROLE guest LOGIN; CREATE ROLE owner LOGIN; CREATE ROLE all_reader LOGIN IN ROLE pg_read_all_data;
     CREATE SCHEMA closed; CREATE TABLE closed.hidden (id int); CREATE TABLE "no ""grant" (id int); CREATE SEQUENCE counter;
     CREATE TABLE open (id int); GRANT SELECT ON open TO guest; CREATE VIEW seen AS SELECT * FROM open;
     CREATE TABLE filtered (id int); ALTER TABLE filtered OWNER TO owner, ENABLE ROW LEVEL SECURITY;
     CREATE TABLE forced (id int); ALTER TABLE forced OWNER TO owner, ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
     GRANT SELECT ON filtered, forced TO guest; GRANT ALL ON SCHEMA public TO owner;
     SELECT lo_create(1), lo_create(2), lo_create(3); GRANT SELECT ON LARGE OBJECT 2 TO guest; GRANT SELECT ON LARGE OBJECT 3 TO PUBLIC`,
  );
});

describe('what a role cannot see', () => {
  it('is found, each thing with its reason', async () => {
    expect(await unreadable('guest')).toEqual({
      schema: ['closed'],
      table: ['closed.hidden', 'public."no ""grant"'],
      sequence: ['public.counter'],
      'row security': ['public.filtered', 'public.forced'],
      'large object': ['1'],
    });
    expect(await unreadable('all_reader')).toEqual({
      'row security': ['public.filtered', 'public.forced'],
      'large object': ['1', '2'],
    });
    expect((await unreadable('owner'))['row security']).toEqual(['public.forced']);
    expect(await unreadable('postgres')).toEqual({});
  });

  it('does not count when the dump leaves it out', async () => {
    expect(await unreadable('guest', { tables: ['open'] })).toEqual({});
    expect(await unreadable('guest', { tables: ['filtered'], schemaOnly: true })).toEqual({});
    const rest = ['no "grant', 'counter', 'filtered', 'forced'].map((name) => `"${name.replaceAll('"', '""')}"`);
    expect(await unreadable('guest', { excludeSchemas: ['closed'], excludeTables: rest, noBlobs: true })).toEqual({});
  });

  it('is what pg_dump fails for', () => {
    expect(() => cluster.run('pg_dump', '-U', 'guest', 'postgres')).toThrow(/permission denied/);
    expect(() => cluster.run('pg_dump', '-U', 'owner', '-t', 'forced', 'postgres')).toThrow(/row-level security/);
    expect(cluster.run('pg_dump', '-U', 'owner', '-t', 'filtered', 'postgres')).toContain('COPY public.filtered');
    expect(cluster.run('pg_dump', '-U', 'guest', '-t', 'open', 'postgres')).toContain('COPY public.open');
  });

  it('is refused in words that name it and the way out', async () => {
    await using opened = await cluster.open('postgres', { user: 'guest' });
    const found = await findUnreadable(opened.first);
    expect(() => refuseIncompleteSight(found)).toThrow(
      expect.objectContaining({
        code: 'SOURCE_REFUSED',
        message: expect.stringContaining('no SELECT on table closed.hidden, public."no ""grant"'),
        hint: expect.stringMatching(/pg_read_all_data.*BYPASSRLS/),
      }),
    );
    expect(() => refuseIncompleteSight([])).not.toThrow();
  });
});

describe('checks', () => {
  it('count the rows that must not be, up to a thousand', async () => {
    expect(await check('SELECT 1 WHERE false')).toEqual({ name: 'c', ok: true, rows: 0 });
    expect(await check("SELECT 'it''s' FROM generate_series(1, 3) -- a comment")).toEqual({
      name: 'c',
      ok: false,
      rows: 3,
    });
    expect(await check('TABLE pg_class;')).toMatchObject({ ok: false });
    expect(await check('SELECT generate_series(1, 100000000000)')).toEqual({ name: 'c', ok: false, rows: 1_000 });
    expect(await check('SELECT id FROM open')).toEqual({ name: 'c', ok: true, rows: 0 });
  });

  it.each([
    ['SELECT nothing', 'column "nothing" does not exist'],
    ['', ''],
    ['SELECT 1; SELECT 2', 'cannot open multi-query plan as cursor'],
    ['SELECT 1; COMMIT; DROP TABLE open', 'cannot open multi-query plan as cursor'],
    ['COMMIT', 'cannot open'],
    ['DROP TABLE open', 'cannot open'],
    ['DELETE FROM open RETURNING id', 'read-only transaction'],
    ["SELECT set_config('transaction_read_only', 'off', true)", 'read-write mode inside a read-only'],
    ['\\! touch /tmp/hostile', 'syntax error'],
    ["SELECT $dbops$ '\n\\q\n", 'unterminated'],
    ['SELECT 1 \\g /tmp/hostile', 'syntax error'],
    ['SELECT :HOST', 'syntax error'],
  ])('%j fails in the words of the server, and the session goes on', async (sql, words) => {
    await using opened = await cluster.open('postgres');
    const [failed, next] = await runChecks(opened.first, [
      { name: 'hostile', sql },
      { name: 'next', sql: 'SELECT 1 FROM open' },
    ]);
    expect(failed).toMatchObject({ ok: false, rows: 0, error: expect.stringContaining(words) });
    expect(next).toEqual({ name: 'next', ok: true, rows: 0 });
    expect(await opened.first('SHOW search_path')).toEqual([{ search_path: 'pg_catalog' }]);
  });
});

it('the environment tells which server and database this is', async () => {
  await using opened = await cluster.open('postgres');
  const { values, warnings } = await readEnvironment(opened.first);
  expect(values).toMatchObject({ database: 'postgres', isStandby: false, encoding: 'UTF8', localeProvider: 'c' });
  expect(values['systemIdentifier']).toMatch(/^\d{10,}$/);
  expect(values['serverVersionNum']).toBeGreaterThan(130_000);
  expect(values['databaseBytes']).toBeGreaterThan(1_000_000);
  expect(values['extension plpgsql']).toBe('1.0');
  expect(warnings).toEqual([]);
});

it('a collation whose version changed is named', async () => {
  cluster.run('createdb', '-T', 'template0', 'old_collation');
  cluster.sql(
    'old_collation',
    `CREATE COLLATION german (provider = icu, locale = 'de'); CREATE TABLE t (a text COLLATE german);
     UPDATE pg_collation SET collversion = '1.2' WHERE collname = 'german'`,
  );
  await using opened = await cluster.open('old_collation');
  const { warnings } = await readEnvironment(opened.first);
  expect(warnings).toEqual([expect.stringMatching(/collation public\.german was version 1\.2 .* REINDEX/)]);
});

it('sequences are read as they are now, and one that moves between two readings is left out', async () => {
  cluster.run('createdb', '-T', 'template0', 'moving');
  cluster.sql('moving', "CREATE SEQUENCE still; CREATE SEQUENCE moved; SELECT nextval('moved')");
  await using opened = await cluster.open('moving');
  const before = await readSequences(opened.queries);
  expect(before).toEqual({ 'sequence public.still': '1, not called', 'sequence public.moved': '1' });
  const { facts } = await readFacts(opened.queries, { level: 'rows' });
  cluster.sql('moving', "SELECT nextval('moved')");
  const steady = keepSteady(before, await readSequences(opened.queries));
  expect(Object.keys(withSequences(facts, steady).properties).filter((name) => name.startsWith('sequence '))).toEqual([
    'sequence public.still',
  ]);
});

async function unreadable(user: string, selection?: Selection): Promise<Record<string, readonly string[]>> {
  await using opened = await cluster.open('postgres', { user });
  const found: readonly Unreadable[] = await findUnreadable(opened.first, selection);
  return Object.fromEntries(found.map(({ reason, names }) => [reason, names]));
}

async function check(sql: string): Promise<CheckResult | undefined> {
  await using opened = await cluster.open('postgres');
  const [result] = await runChecks(opened.first, [{ name: 'c', sql }]);
  return result;
}
