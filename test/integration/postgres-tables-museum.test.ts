import { expect, test } from 'vitest';
import { DbopsError } from '../../src/core/errors.ts';
import type { Cluster } from '../support/postgres/cluster.ts';
import { contentsOf, loadMuseum } from '../support/postgres/museum.ts';
import { sharedCluster } from '../support/postgres/shared-cluster.ts';
import { bringTables, dumpParts, keptSchema, stateOf } from '../support/postgres/table-scene.ts';

const shared = sharedCluster();

/** Tables that something uses in a way in which it cannot be led to another table. */
const stuck: Readonly<Record<string, RegExp>> = {
  'museum.numbers': /table museum\.collections/,
  'museum.artists': /museum\.whole_rows/,
  'museum.works': /publication of table museum\.works in publication/,
  'museum.hangings': /^materialized view museum\.stale/,
  'museum.by_enum_0': /stored as rows of museum\.by_enum/,
  'museum.by_enum_1': /stored as rows of museum\.by_enum/,
  'museum.by_enum_2': /stored as rows of museum\.by_enum/,
  'museum.heavy': /^table museum\.statues/,
  'museum.statues': /^table museum\.bronzes/,
  'museum.log': /^rule copy_to_log on table museum\.no_rows/,
  'museum.things': /^table museum\.statues/,
  'museum.halls': /^materialized view museum\.filled, materialized view museum\.unfilled/,
};

test('every table of the museum is replaced in its place by itself, or refused with what keeps it there', async () => {
  const cluster = shared();
  await loadMuseum(cluster, 'museum');
  const parts = await dumpParts(cluster, 'museum');
  const before = await lookAt(cluster);
  const tables = await tablesOf(cluster);
  expect(tables.length).toBeGreaterThan(40);
  const failures: Record<string, string> = {};
  for (const [shown, name] of tables) {
    const failure = await bringTables(cluster, parts, 'museum', [name], { overwrite: true }).then(
      () => undefined,
      (error: unknown) => (error instanceof DbopsError && error.code === 'REFUSED' ? error.message : String(error)),
    );
    await cluster.sql('museum', `DROP SCHEMA IF EXISTS ${keptSchema}, ${keptSchema}_2 CASCADE`);
    if (failure !== undefined) failures[shown] = failure;
  }
  expect(await lookAt(cluster)).toEqual(before);
  expect(failures).toEqual(
    Object.fromEntries(Object.entries(stuck).map(([table, reason]) => [table, expect.stringMatching(reason)])),
  );
});

async function lookAt(cluster: Cluster): Promise<readonly [string, string]> {
  const schema = await stateOf(cluster, 'museum', ['--schema-only']);
  // A partition that is attached again gets the index that only some of them had.
  const lines = schema.split('\n').filter((line) => !/^(--)?$|visits_\w+_note_idx/.test(line));
  return [await contentsOf(cluster, 'museum'), lines.toSorted().join('\n')];
}

async function tablesOf(cluster: Cluster): Promise<[string, string][]> {
  const list = await cluster.sql(
    'museum',
    `SELECT json_agg(json_build_array(nspname || '.' || relname,
       format('"%s"."%s"', replace(nspname, '"', '""'), replace(relname, '"', '""'))) ORDER BY c.oid)
     FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
     WHERE relkind IN ('r', 'p', 'f') AND nspname !~ '^pg_' AND nspname <> 'information_schema'`,
  );
  return JSON.parse(list) as [string, string][];
}
