import { once } from 'node:events';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { type Cluster, startCluster } from '../support/postgres/cluster.ts';
import {
  earlierBackup,
  expectNothingLeft,
  expectRefusal,
  openPlace,
  type Place,
  storedIn,
} from '../support/postgres/place.ts';
import { startProxy } from '../support/postgres/proxy.ts';
import { sharedCluster } from '../support/postgres/shared-cluster.ts';
import { type RunResult } from '../support/run-dbops.ts';

// The server ends, the network breaks, somebody locks tables or takes the database away while a backup runs.

const shared = sharedCluster({ auth: 'scram', ssl: true });

const table = 'CREATE TABLE item AS SELECT i, md5(i::text) AS t FROM generate_series(1, 20000) AS i';

beforeAll(async () => {
  await shared().sql('postgres', 'CREATE DATABASE shop');
  await shared().sql('shop', table);
});
const earlier = earlierBackup(shared, 'shop');

/** Runs a backup, and does something while its pg_dump has got half of the rows and waits for more. */
async function whileDumping(place: Place, cluster: Cluster, act: () => unknown, database = 'shop'): Promise<RunResult> {
  await using proxy = await startProxy({ host: '127.0.0.1', port: cluster.port }, { stallAfter: 600_000 });
  place.configure({ database: cluster.url(database).replace(`:${cluster.port}`, `:${proxy.port}`) });
  const child = place.start(['backup']);
  const said = { stdout: '', stderr: '' };
  child.stdout?.on('data', (text: Buffer) => (said.stdout += text.toString()));
  child.stderr?.on('data', (text: Buffer) => (said.stderr += text.toString()));
  const closed = once(child, 'close');
  await vi.waitFor(() => expect(proxy.struck).toBe(1), { timeout: 20_000, interval: 20 });
  await act();
  const [exitCode] = (await closed) as [number];
  return { exitCode, ...said, json: () => undefined };
}

const broken = {
  exitCode: 3,
  message:
    /server closed the connection|terminating connection|could not receive data|SSL SYSCALL|SSL connection has been closed/,
  hint: /Nothing was published; run this again/,
};

describe('G3: a connection that breaks', () => {
  test.each([
    ['disable', 100],
    ['disable', 3_000],
    ['disable', 20_000],
    ['disable', 200_000],
    ['disable', 1_000_000],
    ['require', 200_000],
    ['require', 1_000_000],
  ])('with sslmode=%s after %d bytes makes no backup, and leaves the one before', async (mode, cutAfter) => {
    await using proxy = await startProxy({ host: '127.0.0.1', port: shared().port }, { cutAfter });
    const place = await openPlace(earlier());
    const through = shared().url('shop').replace(`:${shared().port}`, `:${proxy.port}`);
    place.configure({ database: `${through}?sslmode=${mode}` });
    const before = storedIn(place);
    const result = await place.run(['backup']);
    expect(proxy.struck).toBeGreaterThan(0);
    expectRefusal(result, broken);
    await expectNothingLeft(place, shared());
    expect(storedIn(place)).toEqual(before);
  });

  test('G3: because the server is killed makes no backup, and leaves the one before', async () => {
    await using cluster = await startCluster({ auth: 'scram' });
    await cluster.sql('postgres', 'CREATE DATABASE shop');
    await cluster.sql('shop', table);
    const place = await openPlace(earlier());
    const before = storedIn(place);
    const result = await whileDumping(place, cluster, () => cluster.kill());
    expectRefusal(result, broken);
    await expectNothingLeft(place);
    expect(storedIn(place)).toEqual(before);
    expectRefusal(await place.run(['backup', cluster.url('shop')]), {
      exitCode: 3,
      message: /Connection refused/,
      hint: /pg_isready/,
    });
  });

  test('G3: because an operator ends its session makes no backup, and leaves the one before', async () => {
    const place = await openPlace(earlier());
    const before = storedIn(place);
    const result = await whileDumping(place, shared(), () =>
      shared().sql('postgres', "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'shop'"),
    );
    expectRefusal(result, broken);
    await expectNothingLeft(place, shared());
    expect(storedIn(place)).toEqual(before);
  });
});

test('a database that is dropped meanwhile makes no backup', async () => {
  await shared().sql('postgres', 'CREATE DATABASE gone TEMPLATE shop');
  const place = await openPlace(earlier());
  const before = storedIn(place);
  const result = await whileDumping(
    place,
    shared(),
    () => shared().sql('postgres', 'DROP DATABASE gone WITH (FORCE)'),
    'gone',
  );
  expectRefusal(result, broken);
  await expectNothingLeft(place, shared());
  expect(storedIn(place)).toEqual(before);
});
