import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { resolveSelection } from '../../src/engines/postgres/facts/resolved-selection.ts';
import type { Selection } from '../../src/engines/postgres/facts/selection.ts';
import { startFactsCluster } from '../support/facts-cluster.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const cluster = startFactsCluster();

beforeAll(() => {
  cluster.sql(
    'postgres',
    `CREATE SCHEMA sales; CREATE SCHEMA "Sales"; CREATE SCHEMA audit; CREATE SCHEMA "a.b";
     CREATE TABLE orders (id serial PRIMARY KEY); CREATE TABLE "Orders" (id int); CREATE TABLE orders_2024 (id int);
     CREATE TABLE sales.orders (id int GENERATED ALWAYS AS IDENTITY); CREATE TABLE "Sales".orders (id int);
     CREATE TABLE audit.log (id int); CREATE TABLE "a.b"."c.d" (id int); CREATE TABLE "quo""te" (id int);
     CREATE TABLE price$ (id int); CREATE TABLE "a*b" (id int); CREATE TABLE "a[]b" (id int); CREATE TABLE "été" (id int);
     CREATE VIEW orders_view AS SELECT * FROM orders; CREATE MATERIALIZED VIEW orders_kept AS SELECT * FROM orders;
     CREATE SEQUENCE orders_numbers; CREATE TABLE parted (id int) PARTITION BY RANGE (id);
     CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (1) TO (10);
     CREATE ROLE reader LOGIN SUPERUSER; ALTER ROLE reader SET search_path = sales, public`,
  );
});

type Case = readonly [flags: readonly string[], selection: Selection];

const cases: readonly Case[] = [
  ...[
    'orders',
    'ORDERS',
    '"Orders"',
    'orders*',
    'orders_202?',
    '*.orders',
    'sales.*',
    '"Sales".*',
    's*.orders',
    'orders|parted',
    'orders_(2024|view)',
    'orders_[0-9]+',
    '"a.b"."c.d"',
    '"a.b".*',
    '"quo""te"',
    'price$',
    '"a*b"',
    'a*b',
    'a[]b',
    'été',
    'parted',
    'public.orders_id_seq',
    'audit.*|log',
    'postgres.public.orders',
  ].map((pattern): Case => [['-t', pattern], { tables: [pattern] }]),
  [['-t', 'orders', '-t', 'audit.log'], { tables: ['orders', 'audit.log'] }],
  [['-t', 'orders*', '-T', 'orders_2024'], { tables: ['orders*'], excludeTables: ['orders_2024'] }],
  [['-t', 'orders', '-T', 'orders_id_seq'], { tables: ['orders'], excludeTables: ['orders_id_seq'] }],
  [['-t', 'orders', '-n', 'audit'], { tables: ['orders'], schemas: ['audit'] }],
  [['-t', 'orders', '-N', 'public'], { tables: ['orders'], excludeSchemas: ['public'] }],
  [['-n', 'sales'], { schemas: ['sales'] }],
  [['-n', 's*', '-n', '"a.b"'], { schemas: ['s*', '"a.b"'] }],
  [['-n', '*a*', '-N', 'sales|pg_*|info*'], { schemas: ['*a*'], excludeSchemas: ['sales|pg_*|info*'] }],
  [['-N', 'sales', '-T', 'parted*'], { excludeSchemas: ['sales'], excludeTables: ['parted*'] }],
  [['-T', '*.orders'], { excludeTables: ['*.orders'] }],
  [['--exclude-table-data=orders*'], { excludeTableData: ['orders*'] }],
  [['--exclude-table-data=*.*', '-n', 'sales'], { excludeTableData: ['*.*'], schemas: ['sales'] }],
  [['-s', '-t', 'orders'], { tables: ['orders'], schemaOnly: true }],
  [[], {}],
];

it.each(cases)('%j selects what pg_dump dumps', async (flags, selection) => {
  for (const user of ['postgres', 'reader']) {
    const file = join(await temporaryFolder(), 'dump');
    cluster.run('pg_dump', '-U', user, '-Fc', '-f', file, ...flags, 'postgres');
    const listed = cluster.run('pg_restore', '-l', file).split('\n');
    await using opened = await cluster.open('postgres', { user });
    const found = await resolveSelection(opened.first, selection);
    expect(found.included.map(plain).toSorted()).toEqual(entries(listed, definitions));
    expect(found.dataIncluded.map(plain).toSorted()).toEqual(entries(listed, data));
  }
});

it.each([
  [{ tables: ['nothing_here'] }, 'NOTHING_MATCHES'],
  [{ schemas: ['nothing_here'] }, 'NOTHING_MATCHES'],
  // pg_dump writes a file with nothing in it: an identity goes with its table only.
  [{ tables: ['sales.orders_id_seq'] }, 'NOTHING_MATCHES'],
  [{ tables: ['a.b.c.d'] }, 'USAGE'],
  [{ tables: ['other.public.orders'] }, 'USAGE'],
  [{ tables: ['"open'] }, 'USAGE'],
  [{ tables: ['orders('] }, 'USAGE'],
  [{ schemas: ['public.orders'] }, 'USAGE'],
])('%j is refused', async (selection, code) => {
  await using opened = await cluster.open('postgres');
  await expect(resolveSelection(opened.first, selection)).rejects.toMatchObject({ code });
  expect(await opened.first('SHOW search_path')).toEqual([{ search_path: 'pg_catalog' }]);
});

it('a pattern cannot leave its literal', async () => {
  await using opened = await cluster.open('postgres');
  const selection = { tables: ["x' OR true OR '", 'orders'], excludeTables: ["\\'; DROP TABLE orders; --"] };
  expect((await resolveSelection(opened.first, selection)).included).toEqual(['public.orders', 'public.orders_id_seq']);
});

const definitions =
  /; \d+ \d+ (?:TABLE|VIEW|MATERIALIZED VIEW|SEQUENCE|FOREIGN TABLE) (?!DATA |ATTACH |SET |OWNED )(.+) \w+$/;
const data = /; \d+ \d+ (?:TABLE DATA|SEQUENCE SET|MATERIALIZED VIEW DATA) (.+) \w+$/;

function entries(lines: readonly string[], kind: RegExp): string[] {
  return lines
    .flatMap((line) => kind.exec(line)?.[1] ?? [])
    .map((entry) => entry.replace(' ', '.'))
    .toSorted();
}

/** As a table of contents has it, where nothing is quoted. */
function plain(name: string): string {
  return name.replaceAll(/"((?:[^"]|"")*)"/g, (_, inner: string) => inner.replaceAll('""', '"'));
}
