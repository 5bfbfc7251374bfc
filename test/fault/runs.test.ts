import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { defaultPolicy } from '../../src/core/retention.ts';
import { backup } from '../../src/operations/backup.ts';
import { prune } from '../../src/operations/prune.ts';
import { createLocalStorage } from '../../src/storage/local/local-storage.ts';
import { app, backupRequest, catalogOf, patient, problemsIn } from '../support/operations.ts';
import { processesIn, untilQuiet } from '../support/processes.ts';
import { binary, pretendOldNode, runDbops } from '../support/run-dbops.ts';
import { makeDatabase, readDatabase } from '../support/small-database.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { createTestPorts, frozenClock } from '../support/test-ports.ts';
import { contentOf, litterIn } from '../support/tree.ts';

// A fake compressor that waits for a file holds a run at a known place, without any guess about time.

describe('a signal', () => {
  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 143],
  ] as const)('A2: %s in the middle of a backup ends it with %i, cleanly', async (signal, exitCode) => {
    const cwd = await place();
    fakeZstd(cwd, 'touch "$GATE/reached"; exec sleep 60');
    const run = start(['backup', 'app.db'], cwd);
    await until(() => existsSync(join(cwd, 'reached')));
    run.kill(signal);
    const { code, stderr } = await run.ended;
    expect(stderr).toContain(`stopped by ${signal}`);
    expect(code, stderr).toBe(exitCode);
    expect(litterIn(cwd)).toEqual([]);
    expect((await catalogOf(join(cwd, 'backups'))).backups).toEqual([]);
    await untilQuiet(cwd);
  });

  test('A2: a second signal ends the run at once', async () => {
    const cwd = await place();
    fakeZstd(cwd, 'trap "" TERM; touch "$GATE/reached"; while :; do sleep 0.1; done');
    const run = start(['backup', 'app.db'], cwd);
    await until(() => existsSync(join(cwd, 'reached')));
    run.kill('SIGINT');
    run.kill('SIGTERM');
    const { code, stderr } = await run.ended;
    // Two signals that wait together may arrive in either order; the second one gives the code.
    expect([130, 143]).toContain(code);
    // The orderly end, which this run cannot reach, would say so.
    expect(stderr).not.toContain('stopped by');
    for (const line of processesIn(cwd)) process.kill(Number(line.split(' ')[0]), 'SIGKILL');
    await untilQuiet(cwd);
  });

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('A2: %s to an older Node alone, as kill sends it, stops the run under it', async (signal, exitCode) => {
    const cwd = await place();
    fakeZstd(cwd, 'touch "$GATE/reached"; exec sleep 60');
    const run = start(['backup', 'app.db'], cwd, pretendOldNode);
    await until(() => existsSync(join(cwd, 'reached')));
    run.kill(signal);
    const { code, stderr } = await run.ended;
    expect(stderr).toContain(`stopped by ${signal}`);
    expect(code).toBe(exitCode);
    expect(litterIn(cwd)).toEqual([]);
    await untilQuiet(cwd);
  });

  test.each(['restore', 'verify'])('A2: SIGINT in the middle of %s leaves all as it was', async (command) => {
    const cwd = await place();
    expect((await runDbops(['backup', 'app.db'], { cwd })).exitCode).toBe(0);
    makeDatabase(join(cwd, 'live.db'), { mark: 'present' });
    const before = contentOf(cwd);
    fakeZstd(cwd, 'touch "$GATE/reached"; exec sleep 60');
    const args = command === 'restore' ? ['--into', 'live.db', '--yes'] : ['--level', 'restore'];
    const run = start([command, ...args], cwd);
    await until(() => existsSync(join(cwd, 'reached')));
    run.kill('SIGINT');
    expect((await run.ended).code).toBe(130);
    expect(contentOf(cwd)).toEqual(expect.arrayContaining(before));
    expect(litterIn(cwd)).toEqual([]);
    expect(readDatabase(join(cwd, 'live.db'))).toBe('present:20');
    await untilQuiet(cwd);
  });
});

describe('two runs on one target', () => {
  test('F1: the second is refused with exit 7 at once, naming process and host; with --lock-wait it waits', async () => {
    const cwd = await place();
    fakeZstd(cwd, 'touch "$GATE/reached"; while [ ! -e "$GATE/go" ]; do sleep 0.05; done; exec /usr/bin/zstd "$@"');
    const first = start(['backup', 'app.db'], cwd);
    await until(() => existsSync(join(cwd, 'reached')));
    for (const command of [
      ['backup', 'app.db'],
      ['prune', '--target', 'app'],
    ]) {
      const second = await runDbops(command, { cwd });
      expect(second.stderr).toMatch(/error: target app is locked by a backup running as process \d+ on \S+ since/);
      expect(second.stderr).toContain(`process ${first.pid} `);
      expect(second.stderr).toMatch(/hint: .*--lock-wait/);
      expect(second.exitCode).toBe(7);
    }
    const third = start(['backup', 'app.db', '--lock-wait', '60s'], cwd);
    await until(() => third.output().includes('wait'));
    writeFileSync(join(cwd, 'go'), '');
    expect((await first.ended).code).toBe(0);
    expect((await third.ended).code).toBe(0);
    expect((await catalogOf(join(cwd, 'backups'))).backups).toHaveLength(2);
    expect(await problemsIn(join(cwd, 'backups'), createTestPorts({ temporaryFolder: cwd }).ports)).toEqual([]);
    expect(litterIn(cwd)).toEqual([]);
  });
});

describe('a compressor that lies', () => {
  test.each([
    ['A3: writes half and exits 0', '/usr/bin/zstd "$@" | head -c 1000; exit 0'],
    ['A5: writes all and exits 1', '/usr/bin/zstd "$@"; exit 1'],
    ['A3: writes half and is killed', '/usr/bin/zstd "$@" | head -c 1000; kill -9 $$'],
    ['writes nothing and exits 0', 'exit 0'],
    ['writes noise and exits 0', 'head -c 20000 /dev/urandom'],
  ])('C15, %s: nothing is published', async (_title, script) => {
    const cwd = await place();
    fakeZstd(cwd, `case " $* " in *" -d "*) exec /usr/bin/zstd "$@";; esac; ${script}`);
    const made = await start(['backup', 'app.db'], cwd).ended;
    expect(made.stderr + made.stdout).not.toContain('internal error');
    expect(made.code).not.toBe(0);
    const { backups } = await catalogOf(join(cwd, 'backups'));
    expect(backups).toEqual([]);
    expect(litterIn(cwd)).toEqual([]);
  });
});

describe('a wrong clock', () => {
  test('E1, E2: with a newest backup from the future neither backup nor prune goes on', async () => {
    const cwd = await place();
    const folder = join(cwd, 'backups');
    const { ports } = createTestPorts({ temporaryFolder: cwd });
    const at = (time: string) => ({ ...ports, clock: frozenClock(time) });
    await using storage = createLocalStorage(folder);
    const request = backupRequest(join(cwd, 'app.db'), storage, ports);
    await backup(request, at('2026-01-01T00:00:00Z'));
    await backup(request, at('2027-01-01T00:00:00Z'));
    const before = contentOf(folder).filter((line) => !line.startsWith('.dbops-tmp'));
    const now = at('2026-06-01T00:00:00Z');
    const refused = { code: 'REFUSED', message: expect.stringContaining('after the present') as string };
    await expect(backup(request, now)).rejects.toMatchObject(refused);
    const pruning = { target: app, policy: defaultPolicy, storage, lockWaitMs: 0, signal: patient };
    await expect(prune(pruning, now)).rejects.toMatchObject(refused);
    expect(contentOf(folder).filter((line) => !line.startsWith('.dbops-tmp'))).toEqual(before);
  });
});

async function place(): Promise<string> {
  const cwd = await temporaryFolder();
  makeDatabase(join(cwd, 'app.db'), { mark: 'm', rows: 50, filling: 1_000 });
  return cwd;
}

/** A program `zstd` that comes first on PATH. Its environment is cleared, so its gate is written into it. */
function fakeZstd(cwd: string, script: string): void {
  const folder = join(cwd, 'fake');
  if (!readdirSync(cwd).includes('fake')) mkdirSync(folder);
  writeFileSync(join(folder, 'zstd'), `#!/bin/bash\nPATH=/usr/bin:/bin\nGATE='${cwd}'\n${script}\n`);
  chmodSync(join(folder, 'zstd'), 0o755);
}

function start(args: readonly string[], cwd: string, nodeOptions: readonly string[] = []) {
  const child = spawn(process.execPath, [...nodeOptions, binary, ...args], {
    cwd,
    env: { PATH: `${join(cwd, 'fake')}:/usr/bin:/bin`, HOME: cwd },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, stdout, stderr }));
  return { pid: child.pid, ended, output: () => stderr, kill: (signal: NodeJS.Signals) => child.kill(signal) };
}

/** Waits for a condition that a process brings about. */
async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error('the condition did not come about');
    await delay(20);
  }
}
