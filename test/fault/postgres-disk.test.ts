import { cpSync, mkdirSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import {
  earlierBackup,
  expectNothingLeft,
  expectRefusal,
  expectSound,
  openPlace,
  storedIn,
} from '../support/postgres/place.ts';
import { sharedCluster } from '../support/postgres/shared-cluster.ts';
import { mountSmallDisk } from '../support/small-disk.ts';
import { litterIn, treeOf } from '../support/tree.ts';

// B1, B2: real small file systems that fill in the middle of the work.

const shared = sharedCluster();

beforeAll(async () => {
  const { sql } = shared();
  await sql('postgres', 'CREATE DATABASE shop');
  await sql(
    'shop',
    'CREATE TABLE item AS SELECT i, md5(i::text) || md5((-i)::text) AS t FROM generate_series(1, 60000) AS i',
  );
});

const earlier = earlierBackup(shared, 'shop');

/** Leaves so many bytes free. */
function fillUpTo(folder: string, free: number): void {
  const { bavail, bsize } = statfsSync(folder);
  writeFileSync(join(folder, 'filling'), Buffer.alloc(Math.max(0, bavail * bsize - free)));
}

test.each(['custom', 'plain', 'directory'])(
  'B1: a storage that fills while a backup (%s) is written ends it with exit 8, and the one before stays',
  async (format) => {
    const place = await openPlace();
    const disk = mountSmallDisk(place.cwd, 'disk', 20_000);
    cpSync(earlier(), disk.path, { recursive: true, verbatimSymlinks: true });
    place.configure({ database: shared().url('shop') }, { storage: './disk', scratchDir: './scratch' });
    mkdirSync(join(place.cwd, 'scratch'));
    // The estimate is made from the backup before; rows that compress to nothing make it far too low.
    fillUpTo(disk.path, 3_500_000);
    const before = treeOf(disk.path);
    const result = await place.run(['backup', '--compress', 'none', '--format', format]);
    expectRefusal(result, {
      exitCode: 8,
      message: /cannot write .*\/disk\/shop\/.*: no space left on the device/,
      hint: /Nothing was published. Free space there/,
    });
    expect(treeOf(disk.path)).toEqual(before);
    await expectNothingLeft(place, shared());
    await expectSound({ ...place, storage: disk.path });
  },
);

test('B2: a scratch disk that fills while the directory format is dumped ends it with exit 8, and is named', async () => {
  const place = await openPlace(earlier());
  const disk = mountSmallDisk(place.cwd, 'disk', 2_000);
  place.configure({ database: shared().url('shop') });
  const before = storedIn(place);
  const result = await place.run(['backup', '--format', 'directory', '--compress', 'none', '--scratch-dir', 'disk']);
  expectRefusal(result, { exitCode: 8, message: /^no space left in .*\/disk\/\.dbops-tmp\//, hint: /--scratch-dir/ });
  expect(litterIn(disk.path)).toEqual([]);
  expect(storedIn(place)).toEqual(before);
  await expectNothingLeft(place, shared());
});

test.each([
  ['a restore', () => ['restore', '--into', shared().url('live'), '--jobs', '2']],
  ['a test restore', () => ['verify', '--level', 'restore']],
])('B2: a scratch disk that fills during %s ends it with exit 8, and the backup is not blamed', async (_, args) => {
  const place = await openPlace(earlier());
  const disk = mountSmallDisk(place.cwd, 'disk', 2_000);
  const before = storedIn(place);
  const result = await place.run([...args(), '--scratch-dir', 'disk']);
  expectRefusal(result, { exitCode: 8, message: /no space|No space/, hint: /--scratch-dir|Free space|more room/ });
  expect(treeOf(disk.path)).toEqual([]);
  expect(storedIn(place)).toEqual(before);
  await expectNothingLeft(place, shared());
});

test('B2: a throw-away server whose disk fills while rows are restored ends with exit 8, and the backup is not blamed', async () => {
  const place = await openPlace(earlier());
  const disk = mountSmallDisk(place.cwd, 'disk', 50_000);
  const before = storedIn(place);
  const result = await place.run(['verify', '--level', 'restore', '--scratch-dir', 'disk']);
  expectRefusal(result, { exitCode: 8, message: /No space left on device|could not extend file/, hint: /Free space/ });
  expect(treeOf(disk.path)).toEqual([]);
  expect(storedIn(place)).toEqual(before);
  await expectNothingLeft(place, shared());
});
