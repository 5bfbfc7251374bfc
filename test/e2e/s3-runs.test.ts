import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { bodyOf, key, patient } from '../support/bodies.ts';
import { binary, runDbops, type RunResult } from '../support/run-dbops.ts';
import { createBucket, type TestBucket } from '../support/s3/bucket.ts';
import { makeDatabase, readDatabase } from '../support/small-database.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

// Large enough for several parts, and slow enough to be met in the middle.
const slow = ['backup', '--compress', 'none', '--limit-rate', '4MB'];

test('A1: a backup that was killed in an upload is not listed, the next one succeeds, and nothing of it stays', async () => {
  const { start, run, bucket } = await place();
  const child = start(...slow);
  await untilUploading(bucket);
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect((await run('list', '--json')).json()).toMatchObject({ ok: true, backups: [], broken: [] });
  const next = await run('backup', '--verify', 'restore');
  expect(next.exitCode, next.stderr).toBe(0);
  const left = await bucket.leftovers();
  expect(left.filter((name) => /lock|claim|unfinished/.test(name))).toEqual([]);
  expect(new Set(left.map((name) => name.split('/')[2])).size).toBe(1);
});

test('F1: of two runs into one bucket the second is told who is at it, and exit 7; the first is whole', async () => {
  const { start, run, bucket } = await place();
  const child = start(...slow);
  await untilUploading(bucket);
  for (const command of [['backup'], ['prune', '--target', 'app']]) {
    const second = await run(...command);
    expect(second.stderr).toMatch(/error: target app is locked by a backup running as process \d+ on \S+ since/);
    expect(second.exitCode).toBe(7);
  }
  const [code] = (await once(child, 'exit')) as [number];
  expect(code).toBe(0);
  expect((await run('verify', '--level', 'restore')).exitCode).toBe(0);
});

test('F5: a run that lost its lock to another machine publishes nothing', async () => {
  const { start, run, bucket } = await place();
  const child = start(...slow);
  let said = '';
  child.stderr?.on('data', (piece: Buffer) => (said += piece.toString()));
  await untilUploading(bucket);
  await using storage = bucket.open({ prefix: 'kept' });
  const time = new Date().toISOString();
  const owner = { pid: 1, start: '1', scope: 'elsewhere.1', host: 'another-machine' };
  const lock = { nonce: 'd'.repeat(32), owner, purpose: 'prune', since: time, renewedAt: time, work: [] };
  await storage.put(key('app/lock.json'), bodyOf(JSON.stringify(lock)), patient);
  const [code] = (await once(child, 'exit')) as [number];
  expect(said).toContain('was lost to a prune running as process 1 on another-machine');
  expect(code).toBe(7);
  expect((await run('list', '--json')).json()).toMatchObject({ backups: [] });
  expect((await bucket.leftovers()).filter((name) => !name.endsWith('lock.json'))).toEqual([]);
});

test('SIGTERM in the middle of an upload takes it back, and leaves nothing', async () => {
  const { start, bucket } = await place();
  const child = start(...slow);
  await untilUploading(bucket);
  child.kill('SIGTERM');
  const [code] = (await once(child, 'exit')) as [number];
  expect(code).toBe(143);
  expect(await bucket.leftovers()).toEqual([]);
});

test('a folder and a bucket get the same backup of one run, and either of them is enough to restore', async () => {
  const { cwd, run } = await place();
  const made = await run('backup', '--storage', './here', '--storage', 'offsite', '--json');
  expect(made.exitCode, made.stderr).toBe(0);
  for (const [index, storage] of ['./here', 'offsite'].entries()) {
    expect((await run('restore', '--storage', storage, '--into', `${index}.db`)).exitCode).toBe(0);
    expect(readDatabase(join(cwd, `${index}.db`))).toBe('app:300');
  }
});

test('where rules lock nothing the backup says so, and where they do every object of it is locked', async () => {
  const { run, bucket } = await place({ lock: true });
  await using storage = bucket.open({ prefix: 'kept' });
  const locks = async (): Promise<boolean[]> => {
    const infos = await Array.fromAsync(storage.list('app', patient), ({ key }) => storage.stat(key, patient));
    return infos.map((info) => info?.lockedUntil instanceof Date);
  };
  // Named by its address, it keeps what the configuration says of it.
  const manual = await run('backup', '--storage', `s3://${bucket.name}/kept`);
  expect(manual.exitCode, manual.stderr).toBe(0);
  expect(manual.stderr).toContain('nothing is locked: no age limit of retention holds for class manual');
  expect(await locks()).toEqual([false, false, false]);
  const daily = await run('backup', '--storage', `s3://${bucket.name}/kept`, '--class', 'daily');
  expect(daily.stderr).not.toContain('nothing is locked');
  expect((await locks()).filter((locked) => locked)).toHaveLength(3);
});

interface Place {
  readonly cwd: string;
  readonly bucket: TestBucket;
  readonly run: (...args: readonly string[]) => Promise<RunResult>;
  readonly start: (...args: readonly string[]) => ChildProcess;
}

/** A database of 30 MB and a configuration whose only storage is a bucket. */
async function place({ lock = false } = {}): Promise<Place> {
  const [cwd, bucket] = [await temporaryFolder(), await createBucket({ lock })];
  const { endpoint, accessKeyId, secretAccessKey } = bucket.access;
  const keys = `accessKeyId: ${accessKeyId}, secretAccessKey: ${secretAccessKey}`;
  writeFileSync(
    join(cwd, 'dbops.yaml'),
    `storages: { offsite: { url: s3://${bucket.name}/kept, endpoint: '${endpoint}', ${keys}${lock ? ', lock: retention' : ''} } }
storage: offsite
targets: { app: { database: app.db } }`,
  );
  makeDatabase(join(cwd, 'app.db'), { mark: 'app', rows: 300, filling: 100_000 });
  const start: Place['start'] = (...args) => {
    const child = spawn(process.execPath, [binary, ...args], {
      cwd,
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { PATH: '/usr/bin:/bin', HOME: cwd },
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    return child;
  };
  return { cwd, bucket, start, run: (...args) => runDbops(args, { cwd }) };
}

/** Looks until an upload in parts has begun. */
async function untilUploading(bucket: TestBucket): Promise<void> {
  await expect
    .poll(async () => (await bucket.leftovers()).some((name) => name.includes('unfinished')), { timeout: 30_000 })
    .toBe(true);
}
