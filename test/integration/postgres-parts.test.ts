import { describe, expect, test } from 'vitest';
import type { DumpOptions } from '../../src/core/dump-options.ts';
import { loadMuseum } from '../support/postgres/museum.ts';
import { openDepot } from '../support/postgres/round-trip.ts';
import { sharedCluster } from '../support/postgres/shared-cluster.ts';

const shared = sharedCluster();
const museum = once(() => loadMuseum(shared(), 'museum').then(() => 'museum'));
const shop = once(async () => {
  await shared().sql('postgres', 'CREATE DATABASE shop TEMPLATE template0');
  await shared().sql('shop', tables);
  return 'shop';
});

const tables = `
  CREATE SCHEMA sales; CREATE SCHEMA archive;
  CREATE TYPE sales.state AS ENUM ('new', 'paid');
  CREATE TABLE sales.customers (id serial PRIMARY KEY, name text);
  CREATE TABLE sales.orders (id serial PRIMARY KEY, customer int REFERENCES sales.customers, total numeric);
  CREATE TABLE sales.payments (id int, state sales.state);
  CREATE TABLE archive.orders (LIKE sales.orders);
  CREATE TABLE plain (a int); CREATE TABLE plainer () INHERITS (plain);
  CREATE INDEX ON sales.orders (total);
  CREATE VIEW sales.big AS SELECT * FROM sales.orders WHERE total > 5;
  CREATE MATERIALIZED VIEW archive.sums AS SELECT sum(total) FROM archive.orders;
  COMMENT ON TABLE sales.orders IS 'orders'; COMMENT ON COLUMN archive.orders.id IS 'id';
  CREATE PUBLICATION two_tables FOR TABLE sales.orders, archive.orders;
  INSERT INTO sales.customers (name) SELECT 'c' || i FROM generate_series(1, 9) i;
  INSERT INTO sales.orders (customer, total) SELECT i, i FROM generate_series(1, 9) i;
  INSERT INTO sales.payments VALUES (1, 'new'); INSERT INTO archive.orders VALUES (1, 1, 1); INSERT INTO plainer VALUES (3);
  SELECT lo_from_bytea(77, 'large');
`;

const whole: readonly [string, DumpOptions][] = [
  ['no rows of some tables', { excludeTableData: ['museum.*', '"odd names".*'] }],
  ['no rows', { schemaOnly: true }],
  ['one schema', { schemas: ['"odd names"'] }],
  ['no large objects, owners and rights', { blobs: false, owner: false, acl: false }],
];

const parts: readonly [string, DumpOptions, readonly string[]][] = [
  ['a table by its name', { tables: ['sales.customers'] }, [made('sales')]],
  ['tables by a pattern', { tables: ['archive.*'] }, [made('archive')]],
  ['tables of the search path', { tables: ['plain*'] }, []],
  [
    'all but a table that another needs',
    { excludeTables: ['sales.customers'] },
    [dangling('ALTER TABLE ONLY sales.orders ADD CONSTRAINT')],
  ],
  ['all but a table that a view needs', { excludeTables: ['sales.orders'] }, [dangling('CREATE VIEW sales.big')]],
  ['all but a schema', { excludeSchemas: ['archive'] }, []],
  ['a schema and no rows', { schemas: ['sales'], schemaOnly: true }, []],
];

describe('verify --level restore proves exactly what a dump holds', () => {
  test.each(whole.map(([title, options], at) => [title, at % 2 === 0 ? 'custom' : 'plain', options] as const))(
    'of the museum: %s, in format %s',
    async (_title, format, options) => {
      const depot = await openDepot();
      const manifest = await depot.backUp(shared(), await museum(), { options: { ...options, format } });
      const { problems } = await depot.verify(manifest, shared().binDir);
      expect(problems).toEqual([]);
    },
  );

  test.each(parts)('of the shop: %s', async (_title, options, told) => {
    const depot = await openDepot();
    const manifest = await depot.backUp(shared(), await shop(), { options });
    const { problems, warnings } = await depot.verify(manifest, shared().binDir);
    expect(problems).toEqual([]);
    expect(warnings).toEqual(told.map((text) => expect.stringContaining(text)));
  });

  test.each(['custom', 'plain'] as const)(
    'of single tables in format %s, and finds rows that are gone',
    async (format) => {
      const depot = await openDepot();
      const options = { tables: ['sales.customers', 'archive.orders'], format };
      const manifest = await depot.backUp(shared(), await shop(), { options });
      expect((await depot.verify(manifest, shared().binDir)).problems).toEqual([]);
      const [first, ...others] = manifest.facts.tables;
      if (first === undefined) throw new Error('no table');
      await depot.forge(manifest, { ...manifest.facts, tables: [{ ...first, rows: 2 }, ...others] });
      const { problems } = await depot.verify(manifest, shared().binDir);
      expect(problems).toEqual([expect.stringContaining('has 1 row, had 2 rows')]);
    },
  );
});

describe('what cannot be restored alone is no damage', () => {
  test.each(['custom', 'plain', 'directory'] as const)('rows without definitions, in format %s', async (format) => {
    const depot = await openDepot();
    const manifest = await depot.backUp(shared(), await shop(), { options: { dataOnly: true, format } });
    const refusal = { code: 'USAGE', message: expect.stringContaining('holds rows without definitions') };
    await expect(depot.verify(manifest, shared().binDir)).rejects.toMatchObject(refusal);
    await expect(depot.restore(manifest, shared(), 'elsewhere')).rejects.toMatchObject(refusal);
    expect((await depot.verify(manifest, shared().binDir, 'structure')).problems).toEqual([]);
  });

  test.each(['custom', 'plain'] as const)('a table of a type that the dump lacks, in format %s', async (format) => {
    const depot = await openDepot();
    const manifest = await depot.backUp(shared(), await shop(), { options: { tables: ['sales.payments'], format } });
    const refusal = {
      code: 'SOURCE_REFUSED',
      message: expect.stringContaining('type "sales.state" does not exist'),
      hint: expect.stringContaining('a part of a database'),
    };
    await expect(depot.verify(manifest, shared().binDir)).rejects.toMatchObject(refusal);
    await expect(depot.restore(manifest, shared(), 'elsewhere')).rejects.toMatchObject(refusal);
  });

  test('a definition that refers to what the dump lacks stops a restore, which says so', async () => {
    const depot = await openDepot();
    const manifest = await depot.backUp(shared(), await shop(), { options: { excludeTables: ['sales.customers'] } });
    await expect(depot.restore(manifest, shared(), 'elsewhere')).rejects.toMatchObject({
      code: 'SOURCE_REFUSED',
      message: expect.stringContaining('relation "sales.customers" does not exist'),
      hint: expect.stringContaining('a part of a database'),
    });
    await depot.restore(manifest, shared(), 'elsewhere', { keepGoing: true });
    expect(await shared().sql('elsewhere', 'SELECT count(*) FROM sales.orders')).toBe('9');
  });
});

function made(schema: string): string {
  return `schemas that the dump does not hold were made: ${schema}`;
}

function dangling(entry: string): string {
  return `left out, because the dump does not hold what it needs: ${entry}`;
}

/** What no test changes is made once, by the first that needs it. */
function once(make: () => Promise<string>): () => Promise<string> {
  let making: Promise<string> | undefined;
  return () => (making ??= make());
}
