import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DbopsError } from '../../src/core/errors.ts';
import type { Storage } from '../../src/core/ports/storage.ts';
import { defaultPolicy } from '../../src/core/retention.ts';
import { backup } from '../../src/operations/backup.ts';
import { prune } from '../../src/operations/prune.ts';
import { findBackup, openStored } from '../../src/operations/restorable.ts';
import { restore } from '../../src/operations/restore.ts';
import { setPin } from '../../src/operations/set-pin.ts';
import { verify } from '../../src/operations/verify.ts';
import { createLocalStorage } from '../../src/storage/local/local-storage.ts';
import { failCall, withFault, type FaultPoint } from '../support/fault-storage.ts';
import { app, backupRequest, catalogOf, endOwnerOfLocks, patient, problemsIn } from '../support/operations.ts';
import { makeDatabase, readDatabase } from '../support/small-database.ts';
import { createTestPorts, frozenClock } from '../support/test-ports.ts';
import { litterIn, treeOf } from '../support/tree.ts';

// Every operation is run with its first storage call failing, then its second, and so on until a run makes fewer
// calls than that. What holds after each of these runs is what dbops promises about faults.

interface Place {
  readonly source: string;
  readonly storage: string;
  readonly restored: string;
}

interface Operation {
  readonly name: string;
  run(storage: Storage, place: Place): Promise<unknown>;
  /** What else holds once a run has resolved, or once it has failed. */
  holds(place: Place, succeeded: boolean): Promise<void> | void;
  /** How many of the three old backups a complete run leaves, and how many it adds. */
  readonly removes: number;
  readonly adds: number;
  /** Runs on what a killed run left, instead of on a storage in order. */
  readonly afterKill?: true;
}

const { ports } = createTestPorts({ temporaryFolder: tmpdir() });
let template: string;
let killedTemplate: string;

const runBackup: Operation['run'] = (storage, { source }) => backup(backupRequest(source, storage, ports), ports);
const operations: readonly Operation[] = [
  { name: 'backup', run: runBackup, holds: () => undefined, removes: 0, adds: 1 },
  { name: 'backup after a killed run', run: runBackup, holds: () => undefined, removes: 0, adds: 1, afterKill: true },
  {
    name: 'prune',
    run: (storage) => prune({ target: app, policy: defaultPolicy, storage, lockWaitMs: 0, signal: patient }, ports),
    holds: () => undefined,
    removes: 2,
    adds: 0,
  },
  {
    name: 'verify',
    run: async (storage) => {
      const subject = await newest(storage);
      const record = await verify(
        { subject, level: 'structure', checks: [], scratchParent: undefined, signal: patient },
        ports,
      );
      expect(record.problems, 'a storage that fails says nothing about the backup').toEqual([]);
    },
    holds: async ({ storage }) => {
      const { backups } = await catalogOf(storage);
      expect(backups.every(({ good }) => good)).toBe(true);
    },
    removes: 0,
    adds: 0,
  },
  {
    name: 'restore',
    run: async (storage, { restored }) =>
      restore(
        {
          subject: await newest(storage),
          destination: { location: restored, lockTimeoutMs: 5_000 },
          replace: true,
          allowOpen: false,
          checks: [],
          signal: patient,
        },
        ports,
      ),
    holds: ({ restored }, succeeded) => {
      expect(readDatabase(restored)).toBe(succeeded ? 'backed-up:20' : 'present:30');
    },
    removes: 0,
    adds: 0,
  },
  {
    name: 'pin',
    run: async (storage) => {
      const found = await findBackup(storage, { name: 'latest' }, ports, { signal: patient });
      await setPin(storage, found, true, ports, patient);
    },
    holds: async ({ storage }, succeeded) => {
      const { backups } = await catalogOf(storage);
      const pinned = backups.filter((found) => found.pinned).map(({ manifest }) => manifest.startedAt);
      if (succeeded) expect(pinned).toEqual(['2026-01-03T02:00:00.000Z']);
    },
    removes: 0,
    adds: 0,
  },
];

beforeAll(async () => {
  template = mkdtempSync(join(realpathSync(tmpdir()), 'dbops-template-'));
  const place = placeIn(template);
  mkdirSync(join(template, 'live'));
  makeDatabase(place.source, { mark: 'backed-up' });
  makeDatabase(place.restored, { mark: 'present', rows: 30 });
  for (const time of ['2026-01-01T02:00:00Z', '2026-01-02T02:00:00Z', '2026-01-03T02:00:00Z']) {
    await using storage = createLocalStorage(place.storage);
    const then = { ...ports, clock: frozenClock(time) };
    await backup(backupRequest(place.source, storage, then), then);
  }
  killedTemplate = mkdtempSync(join(realpathSync(tmpdir()), 'dbops-template-'));
  cpSync(template, killedTemplate, { recursive: true, verbatimSymlinks: true });
  await leaveKilledRun(placeIn(killedTemplate));
});
afterAll(() => [template, killedTemplate].forEach((folder) => rmSync(folder, { recursive: true })));

describe.each(operations)('any failing storage call of $name', (operation) => {
  describe.each(['before', 'after'] as const)('%s its effect', (when) => {
    test.each([
      ['once', false],
      ['for ever', true],
    ] as const)('%s: loses no backup, publishes no half one, and the next run succeeds', async (_title, lasting) => {
      let nth = 1;
      while (await strike(operation, { nth, when, lasting, strike: failCall })) nth += 1;
      expect(nth, 'the number of calls struck').toBeGreaterThan(2);
    });
  });
});

/** Gives false when the run made fewer than n calls. */
async function strike(operation: Operation, point: FaultPoint): Promise<boolean> {
  const folder = mkdtempSync(join(realpathSync(tmpdir()), 'dbops-nth-'));
  try {
    const from = operation.afterKill === true ? killedTemplate : template;
    cpSync(from, folder, { recursive: true, verbatimSymlinks: true });
    const place = placeIn(folder);
    const before = await idsIn(place);
    const { struck, error } = await runStruck(operation, place, point);
    const told = `call ${point.nth}, ${struck ?? 'none'}: ${String(error)}`;
    if (error !== undefined) expect(error, told).toMatchObject({ name: 'DbopsError', code: 'STORAGE_FAILED' });
    if (struck === undefined) expect(error, told).toBeUndefined();
    await expectIntact(operation, place, before, { succeeded: error === undefined, told });
    if (struck === undefined) return false;
    endOwnerOfLocks(place.storage);
    const runs = await runStruck(operation, place, { ...point, nth: Number.POSITIVE_INFINITY });
    expect(runs.error, `next run after ${told}`).toBeUndefined();
    await expectComplete(operation, place, before, told);
    return true;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function runStruck(
  operation: Operation,
  place: Place,
  point: FaultPoint,
): Promise<{ struck: string | undefined; error: unknown }> {
  const { storage, struck } = withFault(createLocalStorage(place.storage), point);
  await using _ = storage;
  try {
    await operation.run(storage, place);
    return { struck: struck(), error: undefined };
  } catch (error) {
    if (!(error instanceof DbopsError)) throw error;
    return { struck: struck(), error };
  }
}

async function expectIntact(
  operation: Operation,
  place: Place,
  before: readonly string[],
  { succeeded, told }: { succeeded: boolean; told: string },
): Promise<void> {
  const ids = await idsIn(place);
  expect(await problemsIn(place.storage, ports), told).toEqual([]);
  const lost = before.filter((id) => !ids.includes(id));
  expect(lost.length, `${told}: lost ${lost.join()}`).toBeLessThanOrEqual(operation.removes);
  if (succeeded) expect(ids, told).toHaveLength(before.length - operation.removes + operation.adds);
  expect(
    treeOf(place.storage).filter((path) => path.includes('.dbops-tmp/')),
    told,
  ).toEqual([]);
  await operation.holds(place, succeeded);
}

async function expectComplete(operation: Operation, place: Place, before: readonly string[], told: string) {
  const ids = await idsIn(place);
  expect(await problemsIn(place.storage, ports), told).toEqual([]);
  const atLeast = before.length - operation.removes + operation.adds;
  expect(ids.length, told).toBeGreaterThanOrEqual(atLeast);
  expect(litterIn(join(place.storage, '..')), `left after the run that followed ${told}`).toEqual([]);
  await operation.holds(place, true);
}

/** The lock of a run that was killed while it stored a part, and the part. */
async function leaveKilledRun(place: Place): Promise<void> {
  const { storage } = withFault(createLocalStorage(place.storage), {
    nth: 12,
    when: 'before',
    lasting: true,
    strike: failCall,
  });
  await using _ = storage;
  await backup(backupRequest(place.source, storage, ports), ports).catch(failedAsMeant);
  endOwnerOfLocks(place.storage);
  expect(litterIn(place.storage).length, 'lock and half a backup').toBeGreaterThan(1);
}

function failedAsMeant(error: unknown): void {
  if (!(error instanceof DbopsError) || error.code !== 'STORAGE_FAILED') throw error;
}

async function newest(storage: Storage): ReturnType<typeof openStored> {
  return openStored(
    { storage, backup: await findBackup(storage, { name: 'latest' }, ports, { signal: patient }) },
    ports,
  );
}

async function idsIn({ storage }: Place): Promise<string[]> {
  return (await catalogOf(storage)).backups.map(({ manifest }) => manifest.id).toSorted();
}

function placeIn(folder: string): Place {
  return {
    source: join(folder, 'source.db'),
    storage: join(folder, 'storage'),
    restored: join(folder, 'live', 'app.db'),
  };
}
