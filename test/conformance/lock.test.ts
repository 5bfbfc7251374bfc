import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { systemClock, systemRandom } from '../../src/platform/clock.ts';
import { createLock } from '../../src/storage/lease.ts';
import { createLocalStorage } from '../../src/storage/local/local-storage.ts';
import { createMemoryStorage } from '../../src/storage/memory/memory-storage.ts';
import { keysOf, patient } from '../support/bodies.ts';
import { createBucket } from '../support/s3/bucket.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { app, lockSuite, request } from './lock.suite.ts';

lockSuite('in memory', async () => createMemoryStorage());
lockSuite('in a folder', async () => {
  const storage = createLocalStorage(await temporaryFolder());
  onTestFinished(() => storage[Symbol.asyncDispose]());
  return storage;
});

lockSuite('in a bucket', async () => (await createBucket()).open());

type Piped = ChildProcess & {
  readonly stdout: NonNullable<ChildProcess['stdout']>;
  readonly stdin: NonNullable<ChildProcess['stdin']>;
};

function start(program: string, ...args: readonly string[]): Piped {
  const path = fileURLToPath(new URL(`../support/${program}.ts`, import.meta.url));
  const child = spawn(process.execPath, [path, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

async function kill(child: Piped): Promise<void> {
  child.kill('SIGKILL');
  await once(child, 'close');
}

test('A1: the lock of a process that was killed -9 is taken over at once, and its work is handed on', async () => {
  const root = await temporaryFolder();
  const holder = start('hold-lock', root, '20261120T020000Z-00000001');
  await once(holder.stdout, 'data');
  await using storage = createLocalStorage(root);
  const lock = createLock(storage, systemClock, systemRandom);
  await expect(lock.acquire(app, request)).rejects.toMatchObject({ code: 'LOCKED' });
  await kill(holder);
  const lease = await lock.acquire(app, request);
  expect(lease.inherited).toEqual(['20261120T020000Z-00000001']);
  await lease.confirm(patient);
  lease.settle();
  await lease[Symbol.asyncDispose]();
  expect(await keysOf(storage)).toEqual([]);
});

test('F1: of many processes racing for one stale lock, exactly one is inside at any time', async () => {
  const [root, gate] = [await temporaryFolder(), await temporaryFolder()];
  const holder = start('hold-lock', root, 'left-behind');
  await once(holder.stdout, 'data');
  await kill(holder);
  const racers = Array.from({ length: 8 }, () => start('race-for-lock', root, gate));
  await Promise.all(racers.map((racer) => once(racer.stdout, 'data')));
  const said = racers.map(() => '');
  racers.forEach((racer, index) => racer.stdout.on('data', (chunk: Buffer) => (said[index] += chunk.toString())));
  for (const racer of racers) racer.stdin.end('go\n');
  const codes = await Promise.all(racers.map(async (racer) => (await once(racer, 'close'))[0] as number));
  expect(codes).toEqual(racers.map(() => 0));
  // The dead holder's work goes to one of them, and to no other.
  expect(said.filter((text) => text === 'inherited left-behind\n')).toHaveLength(1);
  await using storage = createLocalStorage(root);
  expect(await keysOf(storage)).toEqual([]);
});
