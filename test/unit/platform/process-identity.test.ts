import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { expect, test, vi } from 'vitest';
import { livenessOf, ownIdentity } from '../../../src/platform/process-identity.ts';

const own = ownIdentity();
const [boot = '', namespace = ''] = own.scope.split('.');

function startTimeOf(pid: number): string {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}

test('this process is alive, and its identity can be part of a file name', () => {
  expect(own.pid).toBe(process.pid);
  expect(own.start).toBe(startTimeOf(process.pid));
  expect(`${own.start}.${own.scope}`).toMatch(/^[\w.-]+$/);
  expect(livenessOf(own)).toBe('alive');
});

test('F3: a process of the same number that started at another time is dead', () => {
  expect(livenessOf({ ...own, start: '1' })).toBe('dead');
});

test('F3: a process that was killed is dead, also before its parent has asked for its end', async () => {
  const child = spawn('sleep', ['600'], { stdio: 'ignore' });
  const pid = child.pid ?? 0;
  const identity = { ...own, pid, start: startTimeOf(pid) };
  expect(livenessOf(identity)).toBe('alive');
  child.kill('SIGKILL');
  await once(child, 'close');
  expect(livenessOf(identity)).toBe('dead');
});

test('F3: a zombie is dead', async () => {
  // The shell starts a child and becomes a program that never asks how it ended.
  const parent = spawn('sh', ['-c', 'sleep 600 & echo $!; exec sleep 600'], { stdio: ['ignore', 'pipe', 'ignore'] });
  try {
    const [line] = (await once(parent.stdout, 'data')) as [Buffer];
    const pid = Number(line.toString());
    const identity = { ...own, pid, start: startTimeOf(pid) };
    // Until the shell has become `sleep`, it would still collect its child.
    await vi.waitFor(() => expect(readFileSync(`/proc/${parent.pid}/comm`, 'utf8')).toBe('sleep\n'), { interval: 5 });
    process.kill(pid, 'SIGKILL');
    await vi.waitFor(() => expect(readFileSync(`/proc/${pid}/stat`, 'utf8')).toContain(') Z '), { interval: 5 });
    expect(livenessOf(identity)).toBe('dead');
  } finally {
    parent.kill('SIGKILL');
    await once(parent, 'close');
  }
});

test('a process whose start time is unknown counts as alive while its number does', () => {
  expect(livenessOf({ ...own, start: '-' })).toBe('alive');
  expect(livenessOf({ ...own, start: '-', pid: 4_194_304 })).toBe('dead');
});

test('F4: a process of another machine, or in another container, is unknown', () => {
  expect(livenessOf({ ...own, scope: 'anotherboot1.4026531836', host: 'other' })).toBe('unknown');
  expect(livenessOf({ ...own, scope: `${boot}.1` })).toBe('unknown');
  expect(livenessOf({ ...own, scope: 'nonsense' })).toBe('unknown');
});

test('a process from before the last boot of this machine is dead where pids are those of the machine', () => {
  const inMachine = namespace === '4026531836';
  expect(livenessOf({ ...own, scope: `anotherboot1.4026531836` })).toBe(inMachine ? 'dead' : 'unknown');
  expect(livenessOf({ ...own, scope: `anotherboot1.4026599999` })).toBe('unknown');
});
