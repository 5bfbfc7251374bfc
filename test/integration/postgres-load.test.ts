import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import type { Check } from '../../src/core/ports/engine.ts';
import type { Cluster } from '../support/postgres/cluster.ts';
import { openDepot } from '../support/postgres/round-trip.ts';
import { sharedCluster } from '../support/postgres/shared-cluster.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

// The soak is DBOPS_WRITER_BACKUPS=100; a few show the same every day.
const rounds = Number(process.env['DBOPS_WRITER_BACKUPS'] ?? 3);
const formats = ['custom', 'directory', 'plain'] as const;

const sums = ['accounts', 'tellers', 'branches'].map((name) => [name, name.replace(/e?s$/, '').charAt(0)] as const);
const checks: readonly Check[] = [
  ...sums.map(([name, letter]) => ({
    name: `${name} add up`,
    sql: `SELECT 1 WHERE (SELECT sum(${letter}balance) FROM pgbench_${name}) <> (SELECT sum(delta) FROM pgbench_history)`,
  })),
  {
    name: 'the sequence is not behind',
    sql: 'SELECT 1 WHERE (SELECT max(id) FROM journal) > (SELECT last_value FROM journal_id_seq)',
  },
];

const script = String.raw`
\set aid random(1, 100000 * :scale)
\set bid random(1, 1 * :scale)
\set tid random(1, 10 * :scale)
\set delta random(-5000, 5000)
BEGIN;
UPDATE pgbench_accounts SET abalance = abalance + :delta WHERE aid = :aid;
UPDATE pgbench_tellers SET tbalance = tbalance + :delta WHERE tid = :tid;
UPDATE pgbench_branches SET bbalance = bbalance + :delta WHERE bid = :bid;
INSERT INTO pgbench_history (tid, bid, aid, delta, mtime) VALUES (:tid, :bid, :aid, :delta, CURRENT_TIMESTAMP);
INSERT INTO journal (delta) VALUES (:delta);
END;
`;

const shared = sharedCluster();

test('every backup under load balances after a test restore and a restore', async () => {
  const cluster = shared();
  await cluster.sql('postgres', 'CREATE DATABASE bank');
  await pgbench(cluster, '-i', '-q', '-s', '1');
  await cluster.sql('bank', 'CREATE TABLE journal (id serial PRIMARY KEY, delta int)');
  const file = join(await temporaryFolder(), 'bank.sql');
  await writeFile(file, script);
  const stop = new AbortController();
  const load = pgbench(cluster, '-n', '-c', '2', '-R', '300', '-T', '3600', '-f', file, stop.signal);
  const rows: (number | null)[] = [];
  try {
    const depot = await openDepot();
    for (let round = 0; round < rounds; round++) {
      const format = formats[round % formats.length] ?? 'custom';
      const options = { format, ...(format === 'directory' ? { jobs: 2 } : {}) };
      const manifest = await depot.backUp(cluster, 'bank', { options });
      rows.push(manifest.facts.tables.find(({ name }) => name === 'public.journal')?.rows ?? null);
      const { problems, checks: found } = await depot.verify(manifest, cluster.binDir, 'restore', checks);
      expect(problems, `backup ${round + 1} in format ${format}`).toEqual([]);
      expect(found.map(({ ok, error }) => [ok, error])).toEqual(checks.map(() => [true, undefined]));
      await depot.restore(manifest, cluster, `bank ${round}`, {}, checks);
    }
  } finally {
    stop.abort();
    await load.catch(() => undefined);
  }
  expect(new Set(rows).size, `rows of the journal: ${rows.join()}`).toBe(rounds);
});

function pgbench(cluster: Cluster, ...args: readonly (string | AbortSignal)[]) {
  const words = args.filter((arg) => typeof arg === 'string');
  const cancelSignal = args.find((arg) => typeof arg !== 'string');
  return execa(join(cluster.binDir, 'pgbench'), words, {
    env: { ...cluster.env, PGDATABASE: 'bank' },
    ...(cancelSignal === undefined ? {} : { cancelSignal }),
  });
}
