import { statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runDbops } from '../support/run-dbops.ts';
import { makeDatabase, readDatabase } from '../support/small-database.ts';
import { mountSmallDisk } from '../support/small-disk.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { contentOf, treeOf } from '../support/tree.ts';

// Real small file systems. They are unmounted by the test that mounted them, before its folder is removed.

test('B2: a disk with too little room is named before the first byte is written', async () => {
  const { cwd, disk } = await place(1_000);
  const result = await runDbops(['backup', 'app.db', '--storage', 'disk'], { cwd });
  expect(result.stderr).toMatch(new RegExp(`error: ${disk.path} has .* MB free, about .* MB are needed\nhint: `));
  expect(result.exitCode).toBe(8);
  expect(treeOf(disk.path)).not.toContainEqual(expect.stringMatching(/Z-|tmp|lock/));
});

test('B1: a disk that fills while a backup is written ends it with exit 8, and leaves the older one', async () => {
  const { cwd, disk } = await place(6_000);
  // Compressed to nothing at first, so that the estimate for the next one is far too low.
  makeDatabase(join(cwd, 'empty.db'), { mark: 'x', rows: 1 });
  writeFileSync(join(cwd, 'dbops.yaml'), 'targets: { app: { database: ./empty.db } }\nscratchDir: ./scratch');
  expect((await runDbops(['backup', '--storage', 'disk'], { cwd })).exitCode).toBe(0);
  fillUpTo(disk.path, 1_000_000);
  const before = contentOf(disk.path);
  writeFileSync(join(cwd, 'dbops.yaml'), 'targets: { app: { database: ./app.db } }\nscratchDir: ./scratch');
  const result = await runDbops(['backup', '--storage', 'disk'], { cwd });
  expect(result.stderr).toMatch(
    new RegExp(`error: cannot write ${disk.path}/app/.*: no space left on the device\nhint: Nothing was published`),
  );
  expect(result.exitCode).toBe(8);
  expect(contentOf(disk.path)).toEqual(before);
  const verified = await runDbops(['verify', '--storage', 'disk', '--level', 'structure'], { cwd });
  expect(verified.stdout).toContain('sound');
});

test('B1: prune of a storage so full that no lock can be written says what helps', async () => {
  const { cwd, disk } = await place(6_000);
  makeDatabase(join(cwd, 'empty.db'), { mark: 'x', rows: 1 });
  const args = ['--storage', 'disk', '--scratch-dir', 'scratch'];
  expect((await runDbops(['backup', 'empty.db', ...args], { cwd })).exitCode).toBe(0);
  fillUpTo(disk.path, 0);
  const result = await runDbops(['prune', '--storage', 'disk'], { cwd });
  expect(result.stderr).toMatch(/error: .*: no space left on the device\nhint: .*by hand, then prune/);
  expect(result.stderr).not.toContain('dbops prune');
  expect(result.exitCode).toBe(8);
});

test('B1: a full scratch disk ends a backup with exit 8 and is named', async () => {
  const { cwd, disk } = await place(1_000);
  const result = await runDbops(['backup', 'app.db', '--scratch-dir', 'disk', '--storage', 'backups'], { cwd });
  expect(result.stderr).toMatch(new RegExp(`error: ${disk.path} has .* MB free`));
  expect(result.exitCode).toBe(8);
  expect(treeOf(disk.path)).toEqual([]);
});

test('B1: a destination without room ends a restore with exit 8, and the database there stays', async () => {
  const { cwd, disk } = await place(1_000);
  const path = makeDatabase(join(disk.path, 'app.db'), { mark: 'present' });
  expect((await runDbops(['backup', 'app.db'], { cwd })).exitCode).toBe(0);
  const before = contentOf(disk.path);
  const result = await runDbops(['restore', '--into', 'disk/app.db', '--yes'], { cwd });
  expect(result.stderr).toMatch(new RegExp(`error: ${disk.path} has .* MB free, about .* MB are needed\nhint: `));
  expect(result.exitCode).toBe(8);
  expect(contentOf(disk.path)).toEqual(before);
  expect(readDatabase(path)).toBe('present:20');
});

test('B1: a destination that fills while a foreign file is unpacked ends with exit 8, and leaves nothing', async () => {
  const { cwd, disk } = await place(1_000);
  expect((await runDbops(['backup', 'app.db', '--compress', 'gzip'], { cwd })).exitCode).toBe(0);
  const part = treeOf(join(cwd, 'backups')).find((path) => path.endsWith('.gz')) ?? '';
  const result = await runDbops(['restore', join('backups', part), '--into', 'disk/new.db'], { cwd });
  expect(result.stderr).toMatch(new RegExp(`error: .*${disk.path}.*: no space left on the device\nhint: `));
  expect(result.stderr).not.toContain('published');
  expect(result.exitCode).toBe(8);
  expect(treeOf(disk.path)).toEqual([]);
});

test('B4: a read-only storage is told before anything is done, and can still be listed and restored from', async () => {
  const { cwd, disk } = await place(20_000);
  expect((await runDbops(['backup', 'app.db', '--storage', 'disk'], { cwd })).exitCode).toBe(0);
  disk.makeReadOnly();
  const before = contentOf(cwd);
  const result = await runDbops(['backup', 'app.db', '--storage', 'disk'], { cwd });
  expect(result.stderr).toMatch(new RegExp(`error: .*${disk.path}.*: the file system is read-only\nhint: `));
  expect(result.stderr).not.toContain('snapshot');
  expect(result.exitCode).toBe(5);
  expect(contentOf(cwd)).toEqual(before);
  expect((await runDbops(['list', '--storage', 'disk'], { cwd })).exitCode).toBe(0);
  expect((await runDbops(['restore', '--storage', 'disk', '--into', 'copy.db'], { cwd })).exitCode).toBe(0);
  const verified = await runDbops(['verify', '--storage', 'disk'], { cwd });
  expect(verified.stderr).toContain('the result could not be recorded');
  expect(verified.exitCode).toBe(0);
});

test('B4: a read-only destination is refused with exit 5 and named', async () => {
  const { cwd, disk } = await place(20_000);
  expect((await runDbops(['backup', 'app.db'], { cwd })).exitCode).toBe(0);
  disk.makeReadOnly();
  const result = await runDbops(['restore', '--into', 'disk/app.db'], { cwd });
  expect(result.stderr).toMatch(new RegExp(`error: .*${disk.path}.*: the file system is read-only\nhint: `));
  expect(result.exitCode).toBe(5);
});

test('I7: a database on a read-only disk is backed up, whatever its journal mode', async () => {
  const { cwd, disk } = await place(20_000);
  makeDatabase(join(disk.path, 'rollback.db'), { mark: 'ro' });
  makeDatabase(join(disk.path, 'wal.db'), { mark: 'ro', journal: 'wal' });
  disk.makeReadOnly();
  expect((await runDbops(['backup', 'disk/rollback.db'], { cwd })).exitCode).toBe(0);
  const wal = await runDbops(['backup', 'disk/wal.db'], { cwd });
  expect(wal.stderr).toMatch(/wal\.db cannot be opened: .*\nhint: .*WAL mode needs the right to write in its folder/);
  expect(wal.exitCode).toBe(3);
});

async function place(kilobytes: number): Promise<{ cwd: string; disk: ReturnType<typeof mountSmallDisk> }> {
  const cwd = await temporaryFolder();
  makeDatabase(join(cwd, 'app.db'), { mark: 'big', rows: 300, filling: 10_000 });
  return { cwd, disk: mountSmallDisk(cwd, 'disk', kilobytes) };
}

/** Leaves so many bytes free. */
function fillUpTo(folder: string, free: number): void {
  const { bavail, bsize } = statfsSync(folder);
  writeFileSync(join(folder, 'filling'), Buffer.alloc(Math.max(0, bavail * bsize - free)));
}
