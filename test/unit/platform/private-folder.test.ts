import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { cacheFolderIn, openPrivateFolder } from '../../../src/platform/private-folder.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

test.each([
  [{ XDG_CACHE_HOME: '/var/cache/me', HOME: '/home/me' }, '/var/cache/me/dbops'],
  [{ XDG_CACHE_HOME: 'relative', HOME: '/home/me' }, '/home/me/.cache/dbops'],
  [{ XDG_CACHE_HOME: '', HOME: '/home/me' }, '/home/me/.cache/dbops'],
  [{ HOME: '/home/me' }, '/home/me/.cache/dbops'],
  [{ HOME: 'relative' }, undefined],
  [{ HOME: '' }, undefined],
  [{}, undefined],
])('with %j the cache is in %s', (env, folder) => {
  expect(cacheFolderIn(env)).toBe(folder);
});

describe('a private folder', () => {
  test('is made by the first write, for its user alone', async () => {
    const path = join(await temporaryFolder(), 'a/dbops/cache');
    const folder = openPrivateFolder(path);
    expect([folder.names(), folder.read('x', 10)]).toEqual([[], undefined]);
    folder.write('x', Buffer.from('content'));
    expect(folder.read('x', 10)?.toString()).toBe('content');
    expect(folder.names()).toEqual(['x']);
    expect([path, join(path, '..')].map((each) => statSync(each).mode & 0o777)).toEqual([0o700, 0o700]);
    expect(statSync(join(path, 'x')).mode & 0o777).toBe(0o600);
    folder.remove('x');
    folder.remove('x');
    expect(readdirSync(path)).toEqual([]);
  });

  const spoilt: readonly (readonly [what: string, spoil: (path: string) => void])[] = [
    ['that others may write into', (path) => chmodSync(path, 0o777)],
    ['in one that others may write into', (path) => chmodSync(join(path, '..'), 0o775)],
    ['of another user', (path) => chownSync(path, 12_345, 12_345)],
    ['in one of another user', (path) => chownSync(join(path, '..'), 12_345, 12_345)],
    [
      'behind a link',
      (path) => {
        renameSync(path, `${path}-moved`);
        symlinkSync(`${path}-moved`, path);
      },
    ],
  ];
  test.each(spoilt)('%s is not read, and not written', async (_, spoil) => {
    const path = join(await temporaryFolder(), 'dbops/cache');
    openPrivateFolder(path).write('x', Buffer.from('content'));
    spoil(path);
    const folder = openPrivateFolder(path);
    expect([folder.names(), folder.read('x', 10)]).toEqual([[], undefined]);
    folder.write('y', Buffer.from('other'));
    folder.remove('x');
    expect(readdirSync(path)).toEqual(['x']);
  });

  test.each([
    ['a link', (own: string, foreign: string) => symlinkSync(foreign, own)],
    ['a link to nothing', (own: string, foreign: string) => symlinkSync(join(foreign, 'absent'), own)],
    [
      'one that others may write into',
      (own: string) => {
        mkdirSync(own);
        chmodSync(own, 0o777);
      },
    ],
  ])('nothing is made where the folder around it is %s', async (_, spoil) => {
    const [parent, foreign] = [await temporaryFolder(), await temporaryFolder()];
    spoil(join(parent, 'dbops'), foreign);
    openPrivateFolder(join(parent, 'dbops/cache')).write('x', Buffer.from('content'));
    expect(readdirSync(foreign)).toEqual([]);
    expect(existsSync(join(parent, 'dbops/cache'))).toBe(false);
  });

  test('a file in its place, or in the way to it, is left alone', async () => {
    const parent = await temporaryFolder();
    writeFileSync(join(parent, 'dbops'), 'a file');
    for (const path of [join(parent, 'dbops'), join(parent, 'dbops/cache')]) {
      const folder = openPrivateFolder(path);
      folder.write('x', Buffer.from('content'));
      expect([folder.names(), folder.read('x', 10)]).toEqual([[], undefined]);
    }
  });

  test('files that are no regular ones of ours, or too large, are not read', async () => {
    const path = join(await temporaryFolder(), 'dbops/cache');
    const folder = openPrivateFolder(path);
    folder.write('x', Buffer.from('content'));
    expect(folder.read('x', 6)).toBeUndefined();
    symlinkSync('x', join(path, 'link'));
    mkdirSync(join(path, 'folder'));
    for (const name of ['link', 'folder']) expect(folder.read(name, 10)).toBeUndefined();
    chownSync(join(path, 'x'), 12_345, 12_345);
    expect(folder.read('x', 10)).toBeUndefined();
  });

  test('what a killed write left goes once it is an hour old', async () => {
    const path = join(await temporaryFolder(), 'dbops/cache');
    const folder = openPrivateFolder(path);
    folder.write('x', Buffer.from('content'));
    for (const name of ['.old', '.new']) writeFileSync(join(path, name), '');
    utimesSync(join(path, '.old'), 0, 0);
    expect(folder.names()).toEqual(['x']);
    expect(readdirSync(path).toSorted()).toEqual(['.new', 'x']);
  });
});
