import { expect, test } from 'vitest';
import { startCluster } from '../support/postgres/cluster.ts';
import { openDepot } from '../support/postgres/round-trip.ts';
import { sharedCluster } from '../support/postgres/shared-cluster.ts';

const shared = sharedCluster({ settings: { allow_in_place_tablespaces: true, allow_system_table_mods: true } });

test.each(['custom', 'plain'] as const)(
  'G16: tablespaces and labels that a server lacks are no damage, in format %s',
  async (format) => {
    const cluster = shared();
    const source = `placed ${format}`;
    await cluster.sql('postgres', `CREATE DATABASE "${source}" TEMPLATE template0`);
    const there = await cluster.sql('postgres', "SELECT 1 FROM pg_tablespace WHERE spcname = 'fast'");
    if (there === '') await cluster.sql('postgres', "CREATE TABLESPACE fast LOCATION ''");
    await cluster.sql(
      source,
      'CREATE TABLE t (a int PRIMARY KEY USING INDEX TABLESPACE fast) TABLESPACE fast; INSERT INTO t VALUES (1)',
    );
    // Nobody provides labels here; such a row is what pg_dump reads of one.
    const label = "INSERT INTO pg_seclabel VALUES ('t'::regclass, 'pg_class'::regclass, 0, 'guard', 'secret')";
    if (format === 'custom') await cluster.sql(source, label);
    const depot = await openDepot();
    const manifest = await depot.backUp(cluster, source, { options: { format } });
    const { problems, warnings } = await depot.verify(manifest, cluster.binDir);
    expect(problems).toEqual([]);
    expect(warnings).toEqual(
      format === 'plain'
        ? []
        : [expect.stringContaining('lacks the tablespaces fast'), expect.stringContaining('labels were not tried')],
    );
  },
);

test('a restore puts tables of a missing tablespace where the others are, and says so', async () => {
  const cluster = shared();
  await cluster.sql('postgres', "CREATE DATABASE spread; CREATE TABLESPACE slow LOCATION ''");
  await cluster.sql('spread', 'CREATE TABLE t (a int) TABLESPACE slow');
  const depot = await openDepot();
  const manifest = await depot.backUp(cluster, 'spread');
  await using other = await startCluster();
  expect((await depot.restore(manifest, other, 'spread')).warnings).toEqual([
    expect.stringContaining('lacks the tablespaces slow'),
  ]);
  await depot.restore(manifest, cluster, 'spread copy');
  const place = "SELECT spcname FROM pg_class c JOIN pg_tablespace s ON s.oid = c.reltablespace WHERE relname = 't'";
  expect([await other.sql('spread', place), await cluster.sql('spread copy', place)]).toEqual(['', 'slow']);
});
