import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { endProcessesIn } from '../../../src/platform/processes-in.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

test('processes of the program that work in the folder or below are ended, no others', async () => {
  const root = await temporaryFolder();
  for (const name of ['data', 'data/below', 'data2']) mkdirSync(join(root, name));
  const ours = await Promise.all([
    run('/usr/lib/postgres', join(root, 'data')),
    run('postgres: writer a/b', join(root, 'data', 'below')),
  ]);
  const others = await Promise.all([
    run('bash', join(root, 'data')),
    run('postgres', join(root, 'data2')),
    run('notpostgres', join(root, 'data')),
  ]);
  await endProcessesIn(join(root, 'data'), 'postgres');
  await Promise.all(ours.map(({ ended }) => ended));
  expect(ours.map(({ child }) => child.signalCode)).toEqual(['SIGQUIT', 'SIGQUIT']);
  expect(others.map(({ child }) => child.signalCode ?? child.exitCode)).toEqual([null, null, null]);
});

test('a folder that was removed under its processes still shows whose they are', async () => {
  const folder = join(await temporaryFolder(), 'data');
  mkdirSync(folder);
  const { child, ended } = await run('postgres', folder);
  rmSync(folder, { recursive: true });
  await endProcessesIn(folder, 'postgres');
  await ended;
  expect(child.signalCode).toBe('SIGQUIT');
});

test('nothing is done where nothing works', async () => {
  const folder = await temporaryFolder();
  await expect(endProcessesIn(folder, 'postgres')).resolves.toBeUndefined();
  await expect(endProcessesIn(join(folder, 'missing'), 'postgres')).resolves.toBeUndefined();
});

async function run(argv0: string, cwd: string): Promise<{ child: ChildProcess; ended: Promise<unknown> }> {
  const child = spawn('sleep', ['1000'], { argv0, cwd, stdio: 'ignore' });
  onTestFinished(() => void child.kill('SIGKILL'));
  const ended = once(child, 'exit');
  await once(child, 'spawn');
  return { child, ended };
}
