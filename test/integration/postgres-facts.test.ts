import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compareFacts, type Facts } from '../../src/core/facts.ts';
import type { FactLevel } from '../../src/core/levels.ts';
import { comparableOn } from '../../src/engines/postgres/facts/comparable.ts';
import { readFacts } from '../../src/engines/postgres/facts/facts.ts';
import type { Selection } from '../../src/engines/postgres/facts/selection.ts';
import { startFactsCluster } from '../support/facts-cluster.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const cluster = startFactsCluster();
const templates = new Map<string, string>();
let made = 0;

const museum = `
  CREATE SCHEMA "odd ""names"""; CREATE EXTENSION hstore;
  CREATE TYPE mood AS ENUM ('low', 'high'); CREATE DOMAIN positive AS int DEFAULT 7 CHECK (VALUE > 0);
  CREATE TYPE pair AS (a int, b text); CREATE TYPE span AS RANGE (subtype = float8);
  CREATE FUNCTION twice(i int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT i * 2';
  CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
  CREATE AGGREGATE total(int) (SFUNC = int4pl, STYPE = int, INITCOND = '0');
  CREATE TABLE thing (id serial PRIMARY KEY, m mood, p positive, q pair, s span, h hstore, f float8, n numeric, at timestamptz,
    iv interval, cash money, bytes bytea, j json DEFAULT '{}', b jsonb, c char(5), name text NOT NULL DEFAULT 'none',
    dropped int, double int GENERATED ALWAYS AS (1 + 1) STORED, UNIQUE (name, id));
  ALTER TABLE thing DROP COLUMN dropped, ADD COLUMN later int[];
  INSERT INTO thing (id, m, p, q, s, h, f, n, at, iv, cash, bytes, j, b, c, name, later) SELECT i, 'high', 1 + i, (i, 'x"y')::pair, span(i, i + 0.1), hstore('k', i::text), i / 3.0, (i || '.500')::numeric, '2020-01-01T00:00:00+02',
    '1 mon 2 days', 1.25 * i, '\\x00ff', '{ "a":1}', '{"a": 1.50}', 'ab', repeat('é', i), ARRAY[1, NULL, i] FROM generate_series(1, 20) i;
  INSERT INTO thing (id, f, n, at) VALUES (30, 'NaN', 'Infinity', 'infinity'), (31, '-Infinity', 'NaN', '-infinity');
  CREATE INDEX thing_half ON thing (lower(name)) WHERE id > 3;
  CREATE TRIGGER touched BEFORE UPDATE ON thing FOR EACH ROW EXECUTE FUNCTION touch();
  CREATE RULE silent AS ON DELETE TO thing DO INSTEAD NOTHING;
  ALTER TABLE thing ENABLE ROW LEVEL SECURITY; CREATE POLICY mine ON thing USING (id > 0);
  CREATE VIEW shown AS SELECT id, name FROM thing; CREATE MATERIALIZED VIEW kept AS SELECT count(*) FROM thing;
  CREATE STATISTICS both_columns ON m, p FROM thing; COMMENT ON TABLE thing IS 'a thing';
  CREATE TABLE base (a int); CREATE TABLE child (x int) INHERITS (base); ALTER TABLE base ADD z int;
  INSERT INTO base VALUES (1, 1); INSERT INTO child VALUES (1, 2, 3);
  CREATE TABLE part (id int, k text) PARTITION BY LIST (k); CREATE TABLE part_a (k text, id int);
  ALTER TABLE part ATTACH PARTITION part_a FOR VALUES IN ('a'); CREATE TABLE part_rest PARTITION OF part DEFAULT;
  INSERT INTO part VALUES (1, 'a'), (2, 'a'), (3, 'b');
  CREATE TABLE spread (m mood, i int) PARTITION BY HASH (m);
  CREATE TABLE spread_0 PARTITION OF spread FOR VALUES WITH (MODULUS 2, REMAINDER 0);
  CREATE TABLE spread_1 PARTITION OF spread FOR VALUES WITH (MODULUS 2, REMAINDER 1);
  INSERT INTO spread SELECT 'low', i FROM generate_series(1, 9) i;
  CREATE UNLOGGED TABLE quick (a int); INSERT INTO quick VALUES (1); CREATE TABLE empty ();
  CREATE TABLE "odd ""names"""."new
line; DROP é" ("a ""b""" int, "select" text); INSERT INTO "odd ""names"""."new
line; DROP é" VALUES (1, 'x');
  CREATE SEQUENCE alone START 5; SELECT setval('alone', 42, false);
  CREATE FOREIGN DATA WRAPPER w; CREATE SERVER far FOREIGN DATA WRAPPER w; CREATE FOREIGN TABLE remote (a int) SERVER far;
  CREATE PUBLICATION news FOR TABLE base;
  SELECT lo_from_bytea(4711, '\\x00010200'), lo_put(lo_from_bytea(4712, '\\x01'), 9000, '\\x02');`;

describe('facts', () => {
  it('are the same after a dump and its restore, read by one session or by three', async () => {
    const database = make(museum);
    const copy = await restore(database);
    const before = await factsOf(database);
    expect(before.tables).toHaveLength(10);
    expect(Object.keys(before.properties).length).toBeGreaterThan(25);
    expect(compareFacts(before, await factsOf(copy, {}, 3))).toEqual([]);
    expect(compareFacts(await factsOf(copy, {}, 3), before)).toEqual([]);
  });

  it('do not depend on where rows lie, nor on settings of the role', async () => {
    const database = make(museum);
    const before = await factsOf(database);
    cluster.sql(
      database,
      `UPDATE thing SET id = id WHERE id % 3 = 0; CLUSTER thing USING thing_pkey; ALTER TABLE base ADD gone int;
       ALTER TABLE base DROP gone; SELECT setval('alone', 42, false)`,
    );
    // CLUSTER marks the index, and that mark is a definition.
    cluster.sql(database, 'ALTER TABLE thing SET WITHOUT CLUSTER');
    const settings = [
      "DateStyle = 'German'",
      "IntervalStyle = 'iso_8601'",
      'extra_float_digits = -5',
      "TimeZone = 'Asia/Tokyo'",
    ];
    const more = ["bytea_output = 'escape'", 'search_path = \'odd ""names\'', 'quote_all_identifiers = off'];
    const after = await factsOf(
      database,
      {},
      1,
      [...settings, ...more].map((text) => `SET ${text}`),
    );
    expect(compareFacts(before, after)).toEqual([]);
  });

  it('name tables in a way that no version changes', async () => {
    const database = make('CREATE TABLE "select" (); CREATE TABLE "A" (); CREATE TABLE "a.b" (); CREATE TABLE a_1 ()');
    const { tables } = await factsOf(database);
    expect(tables.map(({ name }) => name)).toEqual(['public."A"', 'public."a.b"', 'public.a_1', 'public.select']);
  });

  it('count two equal rows twice, and tell rows apart that only look or compare as equal', async () => {
    const values = [
      "(1, 'x')",
      "(1, 'x'), (1, 'x')",
      "(1, 'x'), (2, 'y')",
      "(1, 'x'), (2, 'y'), (2, 'y')",
      "(1, 'x'), (1, 'x'), (2, 'y')",
      "(1, 'y'), (2, 'x')",
      '(1, NULL)',
      '(NULL, NULL)',
      "(1, '')",
      "(1, 'NULL')",
    ];
    const tables = [
      ...values.map((rows) => [`int, b text`, `VALUES ${rows}`]),
      ...['1.0', '1.00', '1'].map((value) => ['numeric', `SELECT ${value}`]),
      ...["'-0'", '0', '0.1', '0.10000000000000002'].map((value) => ['float8', `SELECT ${value}::float8`]),
      ...[`'{"a":1}'`, `'{"a": 1}'`].map((value) => ['json', `SELECT ${value}::json`]),
      ...["'1 mon'", "'30 days'"].map((value) => ['interval', `SELECT ${value}::interval`]),
    ];
    const statements = tables.map(
      ([type, rows], index) => `CREATE TABLE t${index} (a ${type ?? ''}); INSERT INTO t${index} ${rows ?? ''}`,
    );
    const facts = await factsOf(make(statements.join(';')));
    expect(new Set(facts.tables.map(({ content }) => content)).size).toBe(tables.length);
  });

  it.each([
    ['a row', "UPDATE thing SET name = name || ' ' WHERE id = 20", 'public.thing'],
    ['a null', 'UPDATE thing SET later = NULL WHERE id = 20', 'public.thing'],
    ['a lost row', 'DELETE FROM part WHERE id = 2', 'public.part_a'],
    ['a default', "ALTER TABLE thing ALTER name SET DEFAULT 'nobody'", 'definitions of columns'],
    ['an index', 'DROP INDEX thing_half', 'definitions of indexes'],
    [
      "an index's condition",
      'DROP INDEX thing_half; CREATE INDEX thing_half ON thing (lower(name)) WHERE id > 4',
      'definitions of indexes',
    ],
    ["an enum's label", "ALTER TYPE mood ADD VALUE 'top'", 'definitions of enums'],
    ["a domain's default", 'ALTER DOMAIN positive SET DEFAULT 8', 'definitions of domains'],
    ['a sequence', "SELECT nextval('alone')", 'sequence public.alone'],
    ["a sequence's step", 'ALTER SEQUENCE alone INCREMENT 2', 'definitions of sequences'],
    [
      'a function',
      "CREATE OR REPLACE FUNCTION twice(i int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT i * 3'",
      'definitions of functions',
    ],
    [
      'an aggregate',
      "CREATE OR REPLACE AGGREGATE total(int) (SFUNC = int4pl, STYPE = int, INITCOND = '1')",
      'definitions of aggregates',
    ],
    ['a trigger', 'ALTER TABLE thing DISABLE TRIGGER touched', 'definitions of triggers'],
    ['a policy', 'ALTER POLICY mine ON thing USING (id > 1)', 'definitions of policies'],
    ['row security', 'ALTER TABLE thing DISABLE ROW LEVEL SECURITY', 'definitions of tables'],
    ['a constraint', 'ALTER TABLE base ADD CHECK (a > 0) NO INHERIT', 'definitions of constraints'],
    ['a comment', "COMMENT ON TABLE thing IS 'a thing!'", 'definitions of comments'],
    [
      'a partition bound',
      "ALTER TABLE part DETACH PARTITION part_a; ALTER TABLE part ATTACH PARTITION part_a FOR VALUES IN ('a', 'c')",
      'definitions of tables',
    ],
    ['a view', 'CREATE OR REPLACE VIEW shown AS SELECT id, name FROM thing WHERE id > 2', 'views as PostgreSQL 15'],
    ['a publication', 'ALTER PUBLICATION news DROP TABLE base', 'definitions of publications'],
    ['an extension', 'CREATE EXTENSION citext', 'definitions of extensions'],
    ['statistics', 'DROP STATISTICS both_columns', 'definitions of statistics'],
    ["a server's options", "ALTER SERVER far OPTIONS (ADD host 'x')", 'definitions of foreign servers'],
    ['a large object', "SELECT lo_put(4711, 3, '\\x01')", 'large objects'],
    ["a large object's length", "SELECT lo_put(4711, 4, '\\x00')", 'large objects'],
  ])('differ when %s does', async (_, change, named) => {
    const database = make(museum);
    const before = await factsOf(database);
    cluster.sql(database, change);
    expect(compareFacts(before, await factsOf(database)).join('\n')).toContain(named);
  });

  it('digest large objects alike for a role that may not read their catalogue', async () => {
    const database = make(museum);
    cluster.sql(
      database,
      `CREATE ROLE plain LOGIN IN ROLE pg_read_all_data BYPASSRLS; GRANT SELECT ON LARGE OBJECT 4711, 4712 TO plain`,
    );
    await using opened = await cluster.open(database, { user: 'plain' });
    const { facts } = await readFacts(opened.queries, { level: 'content' });
    expect(compareFacts(await factsOf(database), facts)).toEqual([]);
  });

  it('sum up a big table over sessions as one session does', async () => {
    const database = make(
      'CREATE TABLE big AS SELECT i, repeat(md5(i::text), 60) AS t FROM generate_series(1, 140000) i; UPDATE big SET i = -i WHERE i < 9',
    );
    const one = await factsOf(database, {}, 1);
    expect(one.tables[0]?.rows).toBe(140_000);
    expect((await factsOf(database, {}, 3)).tables).toEqual(one.tables);
  });

  it('count 10,000 tables within seconds, on a server with room for fewer locks', async () => {
    const database = make('SELECT');
    const create = (from: number): string =>
      `DO $$ BEGIN FOR i IN ${from}..${from + 999} LOOP EXECUTE format('CREATE TABLE t%s (id int PRIMARY KEY, a text)', i); END LOOP; END $$`;
    for (let from = 1; from <= 10_000; from += 1_000) cluster.sql(database, create(from));
    cluster.sql(database, 'INSERT INTO t77 SELECT generate_series(1, 5)');
    const start = performance.now();
    const { tables } = await factsOf(database, {}, 2, [], 'rows');
    expect(performance.now() - start).toBeLessThan(20_000);
    expect(tables).toHaveLength(10_000);
    expect(tables.filter(({ rows }) => rows !== 0)).toEqual([{ name: 'public.t77', rows: 5 }]);
  });

  it('read a table of 1,600 columns, and values of 100 MB', async () => {
    const columns = Array.from({ length: 1_600 }, (_, index) => `c${index} int`).join(', ');
    const database = make(
      `CREATE TABLE wide (${columns}); INSERT INTO wide (c0, c1599) VALUES (1, 2);
       CREATE TABLE heavy (a text, b bytea); INSERT INTO heavy VALUES (repeat('x', 100000000), decode(repeat('ff', 100000000), 'hex'))`,
    );
    const before = await factsOf(database);
    cluster.sql(database, 'UPDATE wide SET c1599 = 3');
    expect(compareFacts(before, await factsOf(database))).toEqual([
      'table "public.wide" has other content than what was backed up',
    ]);
  });

  it('leave out texts of views when another major version reads them', async () => {
    const facts = await factsOf(make(museum));
    const printed = (version: number): string[] =>
      Object.keys(comparableOn(facts, facts, { version, dangling: false }).facts.properties).filter((name) =>
        name.startsWith('views'),
      );
    expect(printed(150_018)).toEqual(['views as PostgreSQL 15 prints them']);
    expect(printed(170_001)).toEqual([]);
  });

  it('read names and content of a database in no encoding', async () => {
    cluster.run('createdb', '-T', 'template0', '-E', 'SQL_ASCII', '--locale=C', 'raw');
    cluster.sql('raw', "CREATE TABLE t (a text); INSERT INTO t VALUES (E'\\xff\\xfe')");
    const before = await factsOf('raw');
    expect(before.tables).toMatchObject([{ name: 'public.t', rows: 1 }]);
    cluster.sql('raw', "UPDATE t SET a = E'\\xff\\xfd'");
    expect(compareFacts(before, await factsOf('raw'))).toHaveLength(1);
  });

  it.each<Selection>([
    { tables: ['thing', 'part*'] },
    { schemas: ['public'] },
    { excludeTables: ['part_a'] },
    { excludeTableData: ['thing', 'alone'] },
    { schemaOnly: true },
    { noBlobs: true },
  ])('are the same in a copy of a dump with %o', async (selection) => {
    const database = make(museum);
    const copy = await restore(database, selection);
    expect(compareFacts(await factsOf(database, selection), await factsOf(copy, selection))).toEqual([]);
  });
});

/** A database of these statements. The same statements are run once, and copied. */
function make(sql: string): string {
  const template = templates.get(sql);
  made += 1;
  const database = `facts_${made}`;
  cluster.run('createdb', '-T', template ?? 'template0', database);
  if (template !== undefined) return database;
  cluster.sql(database, sql);
  templates.set(sql, database);
  return make(sql);
}

async function restore(database: string, selection: Selection = {}): Promise<string> {
  const file = join(await temporaryFolder(), 'dump');
  const flags = [
    ...(selection.tables ?? []).flatMap((pattern) => ['-t', pattern]),
    ...(selection.schemas ?? []).flatMap((pattern) => ['-n', pattern]),
    ...(selection.excludeTables ?? []).flatMap((pattern) => ['-T', pattern]),
    ...(selection.excludeTableData ?? []).map((pattern) => `--exclude-table-data=${pattern}`),
    ...(selection.schemaOnly === true ? ['-s'] : []),
    ...(selection.noBlobs === true ? ['--no-blobs'] : []),
  ];
  cluster.run('pg_dump', '-Fc', '-f', file, ...flags, database);
  const missing = selection.tables !== undefined || selection.schemas !== undefined;
  const copy = make(missing ? prerequisites : 'SELECT');
  // A dump of a schema brings types again that its copy needs for its other half.
  if (selection.schemas === undefined) cluster.run('pg_restore', '-d', copy, file);
  else expect(() => cluster.run('pg_restore', '-d', copy, file)).toThrow(/already exists/);
  return copy;
}

const prerequisites = `
  CREATE EXTENSION hstore; CREATE TYPE mood AS ENUM ('low', 'high');
  CREATE DOMAIN positive AS int DEFAULT 7 CHECK (VALUE > 0); CREATE TYPE pair AS (a int, b text);
  CREATE TYPE span AS RANGE (subtype = float8); CREATE FOREIGN DATA WRAPPER w; CREATE SERVER far FOREIGN DATA WRAPPER w;
  CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'`;

async function factsOf(
  database: string,
  selection: Selection = {},
  sessions = 1,
  settings: readonly string[] = [],
  level: FactLevel = 'content',
): Promise<Facts> {
  await using opened = await cluster.open(database, { sessions, settings });
  return (await readFacts(opened.queries, { level, selection })).facts;
}
