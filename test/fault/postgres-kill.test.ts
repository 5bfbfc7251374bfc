import { once } from 'node:events';
import { globSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  earlierBackup,
  expectNothingLeft,
  expectSound,
  openPlace,
  type Place,
  sideDatabases,
} from '../support/postgres/place.ts';
import { sharedCluster } from '../support/postgres/shared-cluster.ts';
import { untilQuiet } from '../support/processes.ts';
import { litterIn } from '../support/tree.ts';

// A1, A2, A7, A13: dbops is killed or told to stop at moments spread over a run. The next run needs no help.

const shared = sharedCluster();
const moments = Number(process.env['DBOPS_KILL_MOMENTS'] ?? 3);

beforeAll(async () => {
  const { sql } = shared();
  await sql('postgres', 'CREATE DATABASE shop');
  await sql('shop', 'CREATE TABLE item AS SELECT i, md5(i::text) AS t FROM generate_series(1, 20000) AS i');
});

const earlier = earlierBackup(shared, 'shop');

interface Command {
  readonly name: string;
  readonly args: () => readonly string[];
}

const commands: readonly Command[] = [
  { name: 'backup', args: () => ['backup'] },
  { name: 'backup of directories', args: () => ['backup', '--format', 'directory', '--jobs', '2', '--globals'] },
  { name: 'verify', args: () => ['verify', '--level', 'restore'] },
  { name: 'restore', args: () => ['restore', '--into', shared().url('live'), '--yes'] },
];

/** Every place has its own `live`, with one row that tells it from a restored one. */
async function ready(): Promise<Place> {
  const { sql, url } = shared();
  await sql('postgres', 'DROP DATABASE IF EXISTS live WITH (FORCE)');
  await sql('postgres', 'CREATE DATABASE live');
  await sql('live', "CREATE TABLE present AS SELECT 'untouched' AS state");
  const place = await openPlace(earlier());
  place.configure({ database: url('shop') });
  return place;
}

async function expectWholeLive(told: string): Promise<void> {
  const state = `SELECT coalesce(to_regclass('present')::text, (SELECT count(*)::text FROM pg_class WHERE relname = 'item'))`;
  expect(['present', '1'], told).toContain(await shared().sql('live', state));
}

async function durationOf({ args }: Command): Promise<number> {
  const place = await ready();
  const since = performance.now();
  const result = await place.run(args());
  expect(result.exitCode, result.stderr).toBe(0);
  return performance.now() - since;
}

/** Sends a signal after a while; gives the exit code, or undefined for one that was killed. */
async function strike(place: Place, { args }: Command, signal: NodeJS.Signals, afterMs: number) {
  const child = place.start(args());
  const timer = setTimeout(() => child.kill(signal), afterMs);
  const [exitCode, by] = (await once(child, 'exit')) as [number | null, string | null];
  clearTimeout(timer);
  return { exitCode, by };
}

/** Kept databases of finished restores are no litter. */
async function dropKept(): Promise<void> {
  const kept = await shared().sql('postgres', "SELECT datname FROM pg_database WHERE datname ~ '_pre_restore_'");
  for (const name of kept.split('\n').filter(Boolean)) await shared().sql('postgres', `DROP DATABASE "${name}"`);
}

describe.each(commands)('$name', (command) => {
  test('A1, A7: kill -9 at any moment loses nothing, leaves no process, and the next run leaves nothing', async () => {
    const took = await durationOf(command);
    let killed = 0;
    for (let moment = 1; moment <= moments; moment++) {
      const afterMs = Math.round((took * moment) / (moments + 1));
      const told = `killed after ${afterMs} ms of ${Math.round(took)}`;
      const place = await ready();
      const { by } = await strike(place, command, 'SIGKILL', afterMs);
      if (by === 'SIGKILL') killed += 1;
      await untilQuiet(place.cwd, 15_000);
      await expectWholeLive(told);
      const next = await place.run(command.args());
      expect(next.exitCode, `the run after it was ${told}: ${next.stderr}`).toBe(0);
      await expectWholeLive(told);
      await expectNothingLeft(place, shared());
      await expectSound(place, globSync('*/*/manifest.json', { cwd: place.storage, exclude: ['*/latest'] }).length);
      await dropKept();
    }
    expect(killed).toBeGreaterThan(moments / 2);
  });

  test('A2, A13: SIGTERM at any moment ends it in time with nothing left, or comes too late', async () => {
    const took = await durationOf(command);
    for (let moment = 1; moment <= moments; moment++) {
      const afterMs = Math.round(150 + ((took - 150) * moment) / (moments + 1));
      const place = await ready();
      const since = performance.now();
      const { exitCode, by } = await strike(place, command, 'SIGTERM', afterMs);
      const told = `told to stop after ${afterMs} ms of ${Math.round(took)}`;
      expect([143, 0], `${told}, by ${by}`).toContain(exitCode);
      expect(performance.now() - since - afterMs, told).toBeLessThan(8_000);
      await untilQuiet(place.cwd);
      expect(litterIn(place.cwd), told).toEqual([]);
      expect(await sideDatabases(shared()), told).toBe('');
      await expectWholeLive(told);
      await expectNothingLeft(place, shared());
      await dropKept();
    }
  });
});
