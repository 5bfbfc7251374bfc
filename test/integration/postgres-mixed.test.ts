import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { contentsOf } from '../support/postgres/museum.ts';
import { sharedCluster } from '../support/postgres/shared-cluster.ts';

const shared = sharedCluster();
const generator = fileURLToPath(new URL('../../fixtures/postgres/mixed.ts', import.meta.url));

async function fill(database: string, megabytes: number): Promise<void> {
  await shared().sql('postgres', `CREATE DATABASE ${database}`);
  const psql = `${shared().binDir}/psql`;
  await execa(process.execPath, [
    generator,
    '--url',
    shared().url(database),
    '--megabytes',
    `${megabytes}`,
    '--psql',
    psql,
  ]);
}

test('the mixed tables have the size that was asked for, and the same rows each time', async () => {
  await fill('first', 20);
  await fill('again', 20);
  const bytes = await shared().sql(
    'first',
    "SELECT sum(pg_table_size(oid)) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'",
  );
  expect(Number(bytes) / 20e6).toBeGreaterThan(0.9);
  expect(Number(bytes) / 20e6).toBeLessThan(1.1);
  const contents = await contentsOf(shared(), 'first');
  expect(contents.match(/^public\.\w+/gm)).toEqual(
    ['articles', 'events', 'files', 'ledger', 'readings', 'sessions'].map((name) => `public.${name}`),
  );
  expect(await contentsOf(shared(), 'again')).toBe(contents);
});
