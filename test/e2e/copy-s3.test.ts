import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { key, patient } from '../support/bodies.ts';
import { binary, runDbops, type RunResult } from '../support/run-dbops.ts';
import { createBucket, type TestBucket } from '../support/s3/bucket.ts';
import { makeDatabase, readDatabase } from '../support/small-database.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { contentOf } from '../support/tree.ts';

test('backups go into a bucket and come back byte for byte', async () => {
  const { cwd, run } = await place();
  expect((await run('copy', '--to', 'offsite')).stdout).toMatch(/^app: copied 2 backups/);
  expect((await run('copy', '--to', 'offsite')).stdout).toMatch(/^app: nothing to copy/);
  expect((await run('copy', '--from', 'offsite', '--to', 'back')).exitCode).toBe(0);
  expect(contentOf(join(cwd, 'back'))).toEqual(contentOf(join(cwd, 'backups')));
  rmSync(join(cwd, 'backups'), { recursive: true });
  expect((await run('restore', '--storage', 'offsite', '--into', 'new.db')).exitCode).toBe(0);
  expect(readDatabase(join(cwd, 'new.db'))).toBe('app:60');
});

test('a bucket that was listed once is asked for its listing alone, until something is new or the cache is gone', async () => {
  const { cwd, run } = await place();
  const gets = async (): Promise<number> => {
    const { stderr, stdout, exitCode } = await run('list', '--storage', 'offsite', '--log-level', 'debug');
    expect([exitCode, stdout.match(/^app /gm)?.length], stderr).toEqual([0, 2]);
    return stderr.match(/"call":"get"/g)?.length ?? 0;
  };
  await run('copy', '--to', 'offsite');
  expect([await gets(), await gets(), await gets()]).toEqual([2, 0, 0]);
  rmSync(join(cwd, '.cache'), { recursive: true });
  expect(await gets()).toBe(2);
  await run('pin', 'latest', '--storage', 'offsite');
  expect(await gets()).toBe(1);
  // What the cache knows must not hide what the bucket lost.
  expect((await run('verify', '--storage', 'offsite')).exitCode).toBe(0);
  const folders = readdirSync(join(cwd, '.cache/dbops'));
  expect(folders).toHaveLength(1);
});

test('A1: a copy that was killed in an upload is completed by the next one', async () => {
  const { cwd, run, bucket } = await place();
  const child = spawn(process.execPath, [binary, 'copy', '--to', 'offsite', '--limit-rate', '300kB'], {
    cwd,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { PATH: '/usr/bin:/bin', HOME: cwd },
  });
  let told = '';
  for await (const piece of child.stderr) {
    told += String(piece);
    if (told.includes('copying')) break;
  }
  child.kill('SIGKILL');
  await once(child, 'exit');
  await using before = bucket.open({ prefix: 'kept' });
  expect(await before.stat(key('app/lock.json'), patient)).toBeDefined();
  const next = await run('copy', '--to', 'offsite');
  expect(next.exitCode, next.stderr).toBe(0);
  expect(next.stdout).toMatch(/^app: copied 2 backups/);
  expect((await run('verify', '--all', '--storage', 'offsite')).exitCode).toBe(0);
  expect((await bucket.leftovers()).filter((name) => name.includes('lock'))).toEqual([]);
});

interface Place {
  readonly cwd: string;
  readonly bucket: TestBucket;
  readonly run: (...args: readonly string[]) => Promise<RunResult>;
}

/** Two backups in ./backups, and a configuration that calls a bucket `offsite`. */
async function place(): Promise<Place> {
  const [cwd, bucket] = [await temporaryFolder(), await createBucket()];
  const { endpoint, accessKeyId, secretAccessKey } = bucket.access;
  const keys = `accessKeyId: ${accessKeyId}, secretAccessKey: ${secretAccessKey}`;
  const offsite = `offsite: { url: s3://${bucket.name}/kept, endpoint: '${endpoint}', ${keys} }`;
  writeFileSync(join(cwd, 'dbops.yaml'), `storages: { here: ./backups, back: ./back, ${offsite} }\nstorage: here`);
  makeDatabase(join(cwd, 'app.db'), { mark: 'app', rows: 60, filling: 5_000 });
  const run: Place['run'] = (...args) => runDbops(args, { cwd });
  for (const name of ['app.db', 'app.db']) expect((await run('backup', name)).exitCode).toBe(0);
  return { cwd, bucket, run };
}
