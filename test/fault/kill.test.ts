import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { backup } from '../../src/operations/backup.ts';
import { createLocalStorage } from '../../src/storage/local/local-storage.ts';
import { backupRequest, catalogOf, problemsIn } from '../support/operations.ts';
import { untilQuiet } from '../support/processes.ts';
import { binary, runDbops } from '../support/run-dbops.ts';
import { makeDatabase, readDatabase } from '../support/small-database.ts';
import { createTestPorts, frozenClock } from '../support/test-ports.ts';
import { litterIn, treeOf } from '../support/tree.ts';

// A1: the real binary is killed at every storage call and at moments spread over its run. A state right after a call
// is the state before the next one, so a kill before each call meets them all.

const moments = Number(process.env['DBOPS_KILL_MOMENTS'] ?? 25);
const killable = fileURLToPath(new URL('../support/run-killable.ts', import.meta.url));
const { ports } = createTestPorts({ temporaryFolder: tmpdir() });
let template: string;

interface Command {
  readonly name: string;
  readonly args: readonly string[];
  readonly removes: number;
}

const commands: readonly Command[] = [
  { name: 'backup', args: ['backup', 'app.db', '--storage', 'storage'], removes: 0 },
  { name: 'prune', args: ['prune', '--storage', 'storage'], removes: 2 },
  {
    name: 'restore',
    args: ['restore', '--storage', 'storage', '--into', 'live/app.db', '--yes'],
    removes: 0,
  },
];

beforeAll(async () => {
  template = mkdtempSync(join(realpathSync(tmpdir()), 'dbops-template-'));
  const source = makeDatabase(join(template, 'app.db'), { mark: 'backed-up', rows: 200, filling: 8_000 });
  mkdirSync(join(template, 'live'));
  makeDatabase(join(template, 'live', 'app.db'), { mark: 'present', rows: 300, filling: 2_000, journal: 'wal' });
  for (const time of ['2026-01-01T02:00:00Z', '2026-01-02T02:00:00Z', '2026-01-03T02:00:00Z']) {
    await using storage = createLocalStorage(join(template, 'storage'));
    const then = { ...ports, clock: frozenClock(time) };
    // The name under which the command line looks: derived from the file, by a host of another name.
    await backup({ ...backupRequest(source, storage, then), named: true }, then);
  }
});
afterAll(() => rmSync(template, { recursive: true }));

describe.each(commands)('kill -9 of $name', (command) => {
  test('A1: before any storage call loses nothing, and the next run leaves nothing behind', async () => {
    let nth = 1;
    while (await killAt(command, (cwd) => start([killable, String(nth), ...command.args], cwd), `call ${nth}`)) {
      nth += 1;
    }
    expect(nth, 'the number of calls').toBeGreaterThan(3);
  });

  test('A1, A7: at any moment loses nothing, leaves no child, and the next run leaves nothing behind', async () => {
    const took = await durationOf(command);
    let killed = 0;
    for (let moment = 1; moment <= moments; moment++) {
      const after = Math.round((took * moment) / moments);
      const wasKilled = await killAt(
        command,
        (cwd) => {
          const child = start([binary, ...command.args], cwd);
          const timer = setTimeout(() => child.kill('SIGKILL'), after);
          child.once('exit', () => clearTimeout(timer));
          return child;
        },
        `${after} ms`,
      );
      if (wasKilled) killed += 1;
    }
    expect(killed, 'runs that were really killed').toBeGreaterThan(moments / 3);
  });
});

/** Runs once, checks, runs again as a user would, checks again. Gives false when the run was not killed. */
async function killAt(command: Command, run: (cwd: string) => ReturnType<typeof start>, when: string) {
  const folder = mkdtempSync(join(realpathSync(tmpdir()), 'dbops-kill-'));
  try {
    cpSync(template, folder, { recursive: true, verbatimSymlinks: true });
    const child = run(folder);
    const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
    await untilQuiet(folder);
    const told = `${command.name} killed at ${when}`;
    await expectNothingLost(folder, command, told);
    if (signal === null) expect(code, told).toBe(0);
    const next = await runDbops(command.args, { cwd: folder });
    expect(next.exitCode, `the run after ${told}: ${next.stderr}`).toBe(0);
    await expectNothingLost(folder, command, `the run after ${told}`);
    expect(litterIn(folder), `after ${told} and one more run`).toEqual([]);
    if (command.name === 'restore') expectRestored(folder, told);
    return signal !== null;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function expectNothingLost(folder: string, command: Command, told: string): Promise<void> {
  const storage = join(folder, 'storage');
  expect(await problemsIn(storage, ports), told).toEqual([]);
  const ids = (await catalogOf(storage)).backups.map(({ manifest }) => manifest.startedAt);
  const old = ids.filter((time) => time.startsWith('2026-01'));
  expect(old, told).toContain('2026-01-03T02:00:00.000Z');
  expect(old.length, told).toBeGreaterThanOrEqual(3 - command.removes);
  // Looked at in a copy: opening a database in WAL mode leaves traces beside it.
  const copy = join(folder, 'copy');
  cpSync(join(folder, 'live'), copy, { recursive: true });
  expect(['present:300', 'backed-up:200'], told).toContain(readDatabase(join(copy, 'app.db')));
  rmSync(copy, { recursive: true });
}

function expectRestored(folder: string, told: string): void {
  const live = join(folder, 'live');
  expect(readDatabase(join(live, 'app.db')), told).toBe('backed-up:200');
  const kept = treeOf(live).filter((path) => path.includes('.pre-restore.'));
  expect(kept.length, told).toBeGreaterThan(0);
  expect(treeOf(live), told).toEqual(['app.db', ...kept]);
  expect(
    kept.some((path) => readDatabase(join(live, path)) === 'present:300'),
    `${told}: the replaced database is kept`,
  ).toBe(true);
}

async function durationOf({ args }: Command): Promise<number> {
  const folder = mkdtempSync(join(realpathSync(tmpdir()), 'dbops-kill-'));
  try {
    cpSync(template, folder, { recursive: true, verbatimSymlinks: true });
    const started = performance.now();
    await runDbops(args, { cwd: folder });
    return performance.now() - started;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function start(args: readonly string[], cwd: string) {
  return spawn(process.execPath, args, { cwd, stdio: 'ignore', env: { PATH: '/usr/bin:/bin', HOME: cwd } });
}
