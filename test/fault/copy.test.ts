import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readlinkSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DbopsError } from '../../src/core/errors.ts';
import type { Storage } from '../../src/core/ports/storage.ts';
import { checkStored } from '../../src/operations/check-stored.ts';
import { copy, type CopyReport } from '../../src/operations/copy.ts';
import { loadCatalog } from '../../src/operations/load-catalog.ts';
import { createLocalStorage } from '../../src/storage/local/local-storage.ts';
import { noise, patient } from '../support/bodies.ts';
import { failCall, withFault, type FaultPoint } from '../support/fault-storage.ts';
import { putBackup } from '../support/made-backup.ts';
import { app, endOwnerOfLocks } from '../support/operations.ts';
import { untilQuiet } from '../support/processes.ts';
import { mountSmallDisk } from '../support/small-disk.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { createTestPorts } from '../support/test-ports.ts';
import { contentOf, litterIn } from '../support/tree.ts';

// A copy is run with its first storage call failing, then its second, and so on, of either storage; and killed before
// each of them. What holds after each of these runs is what dbops promises of copies.

const killable = fileURLToPath(new URL('../support/run-killable.ts', import.meta.url));
const { ports } = createTestPorts({ temporaryFolder: tmpdir() });
let template: string;
let killedTemplate: string;

beforeAll(async () => {
  template = mkdtempSync(join(realpathSync(tmpdir()), 'dbops-template-'));
  await fill(join(template, 'from'));
  killedTemplate = mkdtempSync(join(realpathSync(tmpdir()), 'dbops-template-'));
  cpSync(template, killedTemplate, { recursive: true, verbatimSymlinks: true });
  await leaveKilledCopy(killedTemplate);
});
afterAll(() => [template, killedTemplate].forEach((folder) => rmSync(folder, { recursive: true })));

describe.each(['from', 'to'] as const)('any failing call of the storage that is copied %s', (side) => {
  describe.each(['before', 'after'] as const)('%s its effect', (when) => {
    test.each([
      ['once', false, false],
      ['for ever', true, false],
      ['once, after a killed copy', false, true],
    ] as const)('%s: publishes nothing half, and the next copy completes it', async (_title, lasting, afterKill) => {
      let nth = 1;
      while (await strike(side, { nth, when, lasting, strike: failCall }, afterKill)) nth += 1;
      expect(nth, 'the number of calls struck').toBeGreaterThan(side === 'from' ? 8 : 20);
    });
  });
});

describe('kill -9 of a copy', () => {
  test('A1: before any storage call publishes nothing half, and the next copy completes it', async () => {
    let nth = 1;
    while (await killAt(nth)) nth += 1;
    expect(nth, 'the number of calls').toBeGreaterThan(20);
  });
});

describe('B1: a destination that is full', () => {
  test.each([
    ['seen beforehand', /has .* MB free, about .* MB are needed/, (storage: Storage): Storage => storage],
    [
      'met while writing',
      /no space left on the device/,
      (storage: Storage): Storage => ({ ...storage, freeBytes: async () => undefined }),
    ],
  ])('%s: what does not fit leaves nothing, and what fits is copied', async (_, message, seen) => {
    const folder = await temporaryFolder();
    const disk = mountSmallDisk(folder, 'disk', 1_000);
    await using from = createLocalStorage(join(folder, 'from'));
    await putBackup(from, { id: '20261118T020000Z-00000001', parts: { 'app.db': noise(100_000) } });
    await putBackup(from, { id: '20261119T020000Z-00000002', parts: { a: noise(100_000), b: noise(3_000_000) } });
    await putBackup(from, { id: '20261120T020000Z-00000003', parts: { 'app.db': noise(200_000) } });
    await using to = createLocalStorage(disk.path);
    const { outcomes } = await copyAll(from, seen(to));
    expect(outcomes).toMatchObject([
      { type: 'copied' },
      { type: 'failed', error: { code: 'NO_SPACE', message: expect.stringMatching(message) } },
      { type: 'copied' },
    ]);
    expect(litterIn(disk.path).filter((path) => !path.startsWith('.dbops-tmp'))).toEqual([]);
    expect(contentOf(disk.path).filter((path) => path.includes('00000002'))).toEqual([]);
  });
});

/** Gives false when the run made fewer than n calls. */
async function strike(side: 'from' | 'to', point: FaultPoint, afterKill: boolean): Promise<boolean> {
  return inCopyOf(afterKill ? killedTemplate : template, async (folder) => {
    const { report, error, struck } = await run(folder, side, point);
    const told = `call ${point.nth}, ${struck ?? 'none'}: ${String(error)}`;
    const failed = report?.outcomes.filter(({ type }) => type === 'failed') ?? [];
    if (error !== undefined) expect(error, told).toMatchObject({ name: 'DbopsError', code: 'STORAGE_FAILED' });
    if (struck === undefined) expect([error, failed], told).toEqual([undefined, []]);
    await expectNothingHalf(folder, told);
    const refused = report?.plan.refused.length ?? 0;
    if (error === undefined && failed.length === 0 && refused === 0) expectComplete(folder, told);
    if (struck === undefined) return false;
    endOwnerOfLocks(join(folder, 'to'));
    const next = await run(folder, side, { ...point, nth: Number.POSITIVE_INFINITY });
    expect(next.error, `the copy after ${told}`).toBeUndefined();
    expectComplete(folder, `the copy after ${told}`);
    expect(litterIn(folder), `the copy after ${told}`).toEqual([]);
    return true;
  });
}

async function killAt(nth: number): Promise<boolean> {
  return inCopyOf(template, async (folder) => {
    const args = ['copy', '--from', 'from', '--to', 'to'];
    const env = { PATH: '/usr/bin:/bin', HOME: folder };
    const child = spawn(process.execPath, [killable, String(nth), ...args], { cwd: folder, stdio: 'ignore', env });
    const [, signal] = (await once(child, 'exit')) as [number | null, string | null];
    await untilQuiet(folder);
    await expectNothingHalf(folder, `killed at call ${nth}`);
    const next = await run(folder, 'to', { nth: Number.POSITIVE_INFINITY, when: 'before', strike: failCall });
    expect(next.error, `the copy after a kill at call ${nth}`).toBeUndefined();
    expectComplete(folder, `the copy after a kill at call ${nth}`);
    expect(readlinkSync(join(folder, 'to/app/latest'))).toBe('20261119T020000Z-00000002');
    expect(litterIn(folder), `the copy after a kill at call ${nth}`).toEqual([]);
    return signal !== null;
  });
}

async function inCopyOf(origin: string, act: (folder: string) => Promise<boolean>): Promise<boolean> {
  const folder = mkdtempSync(join(realpathSync(tmpdir()), 'dbops-copy-'));
  try {
    cpSync(origin, folder, { recursive: true, verbatimSymlinks: true });
    return await act(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

interface RunResult {
  readonly report?: CopyReport;
  readonly error?: unknown;
  readonly struck: string | undefined;
}

async function run(folder: string, side: 'from' | 'to', point: FaultPoint): Promise<RunResult> {
  const { storage: faulty, struck } = withFault(createLocalStorage(join(folder, side)), point);
  const other = createLocalStorage(join(folder, side === 'from' ? 'to' : 'from'));
  await using storages = new AsyncDisposableStack();
  const [from, to] = side === 'from' ? [faulty, other] : [other, faulty];
  storages.use(from);
  storages.use(to);
  try {
    return { report: await copyAll(from, to), struck: struck() };
  } catch (error) {
    if (!(error instanceof DbopsError)) throw error;
    return { error, struck: struck() };
  }
}

async function copyAll(from: Storage, to: Storage): Promise<CopyReport> {
  const source = await loadCatalog(from, { ...patient, target: app });
  const request = { target: app, from, source, to, readBack: true, lockWaitMs: 0 };
  const all = { named: undefined, policy: undefined, lockPolicy: undefined };
  return copy({ ...request, ...all, ...patient }, ports);
}

/** Whatever is listed at the destination is sound, the source is as it was, and nothing looks like a lost backup. */
async function expectNothingHalf(folder: string, told: string): Promise<void> {
  expect(filesIn(join(folder, 'from')), told).toEqual(filesIn(join(template, 'from')));
  await using storage = createLocalStorage(join(folder, 'to'));
  const { backups, broken } = await loadCatalog(storage, patient);
  expect(broken, told).toEqual([]);
  for (const backup of backups) {
    expect(await checkStored({ storage, backup }, patient), told).toMatchObject({ problems: [], warnings: [] });
  }
}

/** Files and links with their modes and digests; a copied template's folders have other modes. */
function filesIn(folder: string): string[] {
  return contentOf(folder).filter((line) => !/\/ \d+ $/.test(line));
}

/** Without the link, which is a comfort: a run that cannot set it warns, and the next backup or copy sets it. */
function expectComplete(folder: string, told: string): void {
  const inOrder = (line: string): boolean => !/^app\/(lock\.json|latest) /.test(line);
  const found = filesIn(join(folder, 'to'));
  expect(found.filter(inOrder), told).toEqual(filesIn(join(template, 'from')).filter(inOrder));
}

async function fill(folder: string): Promise<void> {
  await using storage = createLocalStorage(folder);
  const parts = { 'db/toc.dat': noise(2_000, 1), 'db/1.dat': noise(200_000, 2), 'globals.sql': noise(300, 3) };
  await putBackup(storage, { id: '20261118T020000Z-00000001', parts });
  await putBackup(storage, { id: '20261119T020000Z-00000002', parts: { 'app.db': noise(5_000, 4) }, pinned: true });
  await storage.pointLatest('app', '20261119T020000Z-00000002', patient);
}

/** The lock of a copy that was killed right before its first manifest, and all that stands beside that. */
async function leaveKilledCopy(folder: string): Promise<void> {
  let isDead = false;
  const strike = (call: string): void => {
    isDead ||= call === 'put app/20261118T020000Z-00000001/manifest.json';
    if (isDead) failCall(call);
  };
  await run(folder, 'to', { nth: 1, when: 'before', lasting: true, strike });
  endOwnerOfLocks(join(folder, 'to'));
  expect(filesIn(join(folder, 'to')).join(), 'lock and half a backup').toMatch(/SHA256SUMS.*lock\.json/);
}
