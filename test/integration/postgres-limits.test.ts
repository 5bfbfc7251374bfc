import { describe, expect, test } from 'vitest';
import { startCluster, type Cluster } from '../support/postgres/cluster.ts';
import { openDepot } from '../support/postgres/round-trip.ts';
import { sharedCluster } from '../support/postgres/shared-cluster.ts';

const soak = process.env['DBOPS_SOAK'] !== undefined;

describe('G11: many tables', () => {
  const tables = soak ? 10_000 : 1_000;

  test(`${tables} of them are backed up, and proven by structure and by a restore`, async () => {
    await using cluster = await startCluster({ version: '15', settings: { max_locks_per_transaction: 256 } });
    await makeTables(cluster, tables);
    const depot = await openDepot();
    const manifest = await depot.backUp(cluster, 'many');
    expect(manifest.facts.tables).toHaveLength(tables);
    expect((await depot.verify(manifest, cluster.binDir, 'structure')).problems).toEqual([]);
    expect((await depot.verify(manifest, cluster.binDir)).problems).toEqual([]);
  });

  test('more than the server has locks for are refused with the setting to raise', async () => {
    await using cluster = await startCluster({
      version: '15',
      settings: { max_locks_per_transaction: 10, max_connections: 10 },
    });
    await makeTables(cluster, 1_500);
    const depot = await openDepot();
    await expect(depot.backUp(cluster, 'many')).rejects.toMatchObject({
      code: 'SOURCE_REFUSED',
      message: expect.stringContaining('out of shared memory'),
      hint: expect.stringContaining('max_locks_per_transaction'),
    });
  });
});

describe('G10: values of a size', () => {
  const shared = sharedCluster({ version: '15' });
  const [rows, megabytes] = soak ? [5, 60] : [5, 10];

  test(`${rows} of ${megabytes} MB come back, as bytes and as text`, async () => {
    const cluster = shared();
    await cluster.sql('postgres', 'CREATE DATABASE big TEMPLATE template0');
    // Nothing that compresses well.
    const bytes = `(SELECT string_agg(sha512(int8send(i * 100000000 + j)), '') FROM generate_series(1, ${megabytes * 16_000}) j)`;
    await cluster.sql(
      'big',
      `CREATE TABLE files AS SELECT i AS id, ${bytes} AS body, NULL::text AS words FROM generate_series(1::bigint, ${rows}) i;
       UPDATE files SET words = encode(body, 'base64') WHERE id = 1;`,
    );
    const depot = await openDepot();
    const manifest = await depot.backUp(cluster, 'big', { options: { format: 'directory', jobs: 2 } });
    expect((await depot.verify(manifest, cluster.binDir)).problems).toEqual([]);
    await depot.restore(manifest, cluster, 'big copy');
    const sums = 'SELECT id, sha256(body), md5(words) FROM files ORDER BY id';
    expect(await cluster.sql('big copy', sums)).toBe(await cluster.sql('big', sums));
  });

  // Takes two gigabytes of memory.
  test.each(soak ? (['rows', 'content'] as const) : [])(
    'too long to be text are told with a way on, with facts of %s',
    async (facts) => {
      const cluster = shared();
      await cluster.sql('postgres', `CREATE DATABASE ${facts} TEMPLATE template0`);
      const megabyte = "decode(repeat('00', 1000000), 'hex')";
      await cluster.sql(
        facts,
        `CREATE TABLE t AS SELECT (SELECT string_agg(${megabyte}, '') FROM generate_series(1, 540)) AS body`,
      );
      const depot = await openDepot();
      await expect(depot.backUp(cluster, facts, { facts })).rejects.toMatchObject({
        code: 'SOURCE_REFUSED',
        message: expect.stringContaining('invalid memory alloc request size'),
        hint: expect.stringContaining('--exclude-table-data'),
      });
    },
  );
});

async function makeTables(cluster: Cluster, count: number): Promise<void> {
  await cluster.sql('postgres', 'CREATE DATABASE many TEMPLATE template0');
  await cluster.sql(
    'many',
    String.raw`SELECT format('CREATE TABLE t%s (id serial PRIMARY KEY, body text); INSERT INTO t%1$s (body) VALUES (''x'')', i)
      FROM generate_series(1, ${count}) i \gexec`,
  );
}
