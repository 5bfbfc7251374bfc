import { join } from 'node:path';
import { execa } from 'execa';
import { beforeAll, expect, test } from 'vitest';
import {
  earlierBackup,
  expectNothingLeft,
  expectRefusal,
  expectSound,
  openPlace,
  storedIn,
} from '../support/postgres/place.ts';
import { sharedCluster } from '../support/postgres/shared-cluster.ts';
import { startStandby } from '../support/postgres/standby.ts';

// Restores into databases in use, two runs at once, and standbys.

const shared = sharedCluster({ settings: { max_connections: 60 } });

beforeAll(async () => {
  const { sql } = shared();
  await sql('postgres', 'CREATE DATABASE shop');
  await sql('shop', 'CREATE TABLE item AS SELECT i, md5(i::text) AS t FROM generate_series(1, 20000) AS i');
});

const earlier = earlierBackup(shared, 'shop');

test('a swap under a pool that reconnects all the time succeeds, or leaves what was there', async () => {
  const { sql, url, env, binDir } = shared();
  await sql('postgres', 'CREATE DATABASE live');
  await sql('live', 'CREATE TABLE present AS SELECT 1 AS state');
  const place = await openPlace(earlier());
  const stop = new AbortController();
  const clients = Array.from({ length: 4 }, async () => {
    while (!stop.signal.aborted) {
      await execa(join(binDir, 'psql'), ['-X', '-c', 'SELECT pg_sleep(0.05)'], {
        env: { ...env, PGDATABASE: 'live', PGAPPNAME: 'pool' },
        reject: false,
      });
    }
  });
  const result = await place.run(['restore', '--into', url('live'), '--yes', '--allow-open']);
  stop.abort();
  await Promise.all(clients);
  expect(result.exitCode, result.stderr).toBe(0);
  expect(await sql('live', 'SELECT count(*) FROM item')).toBe('20000');
  const undo = /^undo: (.*)$/m.exec(result.stdout)?.[1] ?? '';
  await execa('sh', ['-c', undo], { env: { PATH: `${binDir}:/usr/bin:/bin` }, extendEnv: false });
  expect(await sql('live', 'SELECT state FROM present')).toBe('1');
  await expectNothingLeft(place, shared());
});

test('F1: two runs at once: one does its work, the other says who does', async () => {
  const place = await openPlace(earlier());
  place.configure({ database: shared().url('shop') });
  const results = await Promise.all([place.run(['backup']), place.run(['backup'])]);
  const codes = results.map(({ exitCode }) => exitCode ?? -1).toSorted((a, b) => a - b);
  expect([
    [0, 0],
    [0, 7],
  ]).toContainEqual(codes);
  const restores = await Promise.all(
    ['one', 'one'].map((name) => place.run(['restore', '--into', shared().url(name), '--yes'])),
  );
  expect(
    restores.filter(({ exitCode }) => exitCode === 0).length,
    restores.map(({ stderr }) => stderr).join('\n'),
  ).toBeGreaterThan(0);
  for (const { stderr } of [...results, ...restores]) expect(stderr).not.toContain('internal error');
  expect(await shared().sql('one', 'SELECT count(*) FROM item')).toBe('20000');
  await expectNothingLeft(place, shared());
  await expectSound(place, codes[1] === 0 ? 3 : 2);
});

test('G7: a standby gives a backup, with its lag; it takes no restore, and says why', async () => {
  await using standby = await startStandby(shared());
  const place = await openPlace();
  const result = await place.run(['backup', standby.url('shop'), '--json']);
  expect(result.exitCode, result.stderr).toBe(0);
  expect(result.json()).toMatchObject({ backups: [{ manifest: { source: { settings: { isStandby: true } } } }] });
  expect(JSON.stringify(result.json())).toContain('"lagBytes":');
  const before = storedIn(place);
  expectRefusal(await place.run(['restore', '--into', standby.url('copy'), '--yes']), {
    exitCode: 3,
    message: /cannot be made: cannot execute CREATE DATABASE in a read-only transaction$/,
    hint: /primary/,
  });
  expect(storedIn(place)).toEqual(before);
  await expectNothingLeft(place);
});
