import { execFile } from 'node:child_process';
import { chmod, lstat, mkdir, open, readFile, readlink, symlink, writeFile, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { Storage } from '../../../../src/core/ports/storage.ts';
import { createLocalStorage } from '../../../../src/storage/local/local-storage.ts';
import { bodyOf, contentOf, infosOf, key, keysOf, noise, patient } from '../../../support/bodies.ts';
import { filesBelow, foldersBelow } from '../../../support/file-tree.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

async function openIn(root: string): Promise<Storage> {
  const storage = createLocalStorage(root);
  onTestFinished(() => storage[Symbol.asyncDispose]());
  return storage;
}

const modeOf = async (path: string): Promise<number> => (await lstat(path)).mode & 0o7777;

describe('rights', () => {
  test.each([0o000, 0o022, 0o077])('B17: with umask %o files are 0600 and folders 0700', async (mask) => {
    const root = join(await temporaryFolder(), 'new', 'backups');
    const before = process.umask(mask);
    onTestFinished(() => void process.umask(before));
    const storage = await openIn(root);
    await storage.put(key('app/x/file'), bodyOf('x'), patient);
    await storage.put(key('app/x/new'), bodyOf('x'), { ...patient, ifAbsent: true });
    for (const file of await filesBelow(root)) expect([file, await modeOf(join(root, file))]).toEqual([file, 0o600]);
    const folders = ['', ...(await foldersBelow(root))];
    for (const folder of folders) expect([folder, await modeOf(join(root, folder))]).toEqual([folder, 0o700]);
  });

  test('B7: a root into which every user may write is refused, and nothing is written there', async () => {
    const root = await temporaryFolder();
    await chmod(root, 0o777);
    const storage = await openIn(root);
    const failure = storage.put(key('app/a'), bodyOf('x'), patient);
    await expect(failure).rejects.toMatchObject({ code: 'REFUSED', hint: expect.stringContaining('chmod o-w') });
    expect(await filesBelow(root)).toEqual([]);
  });

  test('B7: a root with the sticky bit is accepted, as /tmp is', async () => {
    const root = await temporaryFolder();
    await chmod(root, 0o1777);
    const storage = await openIn(root);
    await storage.put(key('app/a'), bodyOf('x'), patient);
    expect(await contentOf(storage, 'app/a')).toBe('x');
  });
});

test('A8: every folder above that had to be made is synced into its parent before the first object', async () => {
  const above = await temporaryFolder();
  await using file = await open('/dev/null');
  const prototype = Object.getPrototypeOf(file) as FileHandle;
  const sync = prototype.sync;
  const synced: number[] = [];
  vi.spyOn(prototype, 'sync').mockImplementation(async function (this: FileHandle) {
    synced.push((await this.stat()).ino);
    await sync.call(this);
  });
  const storage = await openIn(join(above, 'new', 'backups'));
  await storage.put(key('app/a'), bodyOf('x'), patient);
  const [outer, inner] = [await lstat(above), await lstat(join(above, 'new'))];
  expect(synced.slice(0, 2)).toEqual([inner.ino, outer.ino]);
});

describe('links inside the storage', () => {
  test('B6: nothing is written through a linked folder', async () => {
    const [root, outside] = [await temporaryFolder(), await temporaryFolder()];
    await symlink(outside, join(root, 'app'));
    const storage = await openIn(root);
    const failure = storage.put(key('app/a'), bodyOf('x'), patient);
    await expect(failure).rejects.toMatchObject({ code: 'REFUSED', message: expect.stringContaining('symbolic link') });
    expect(await filesBelow(outside)).toEqual([]);
  });

  test('B6: a link in the place of an object is replaced, and what it points to stays as it was', async () => {
    const [root, outside] = [await temporaryFolder(), await temporaryFolder()];
    const victim = join(outside, 'victim');
    await writeFile(victim, 'precious');
    await mkdir(join(root, 'app'));
    await symlink(victim, join(root, 'app', 'a'));
    const storage = await openIn(root);
    await expect(storage.put(key('app/a'), bodyOf('x'), { ...patient, ifAbsent: true })).rejects.toMatchObject({
      code: 'OBJECT_EXISTS',
    });
    await storage.put(key('app/a'), bodyOf('x'), patient);
    expect(await readFile(victim, 'utf8')).toBe('precious');
    expect((await lstat(join(root, 'app', 'a'))).isFile()).toBe(true);
  });

  test('B6: a link is not read, not listed and not an object', async () => {
    const [root, outside] = [await temporaryFolder(), await temporaryFolder()];
    await writeFile(join(outside, 'secret'), 'secret');
    await mkdir(join(root, 'app'));
    await symlink(join(outside, 'secret'), join(root, 'app', 'a'));
    await symlink(outside, join(root, 'app', 'linked'));
    await symlink(outside, join(root, 'latest'));
    await symlink(join(outside, 'secret'), join(root, 'notes'));
    const storage = await openIn(root);
    await expect(storage.get(key('app/a'), patient)).rejects.toMatchObject({ code: 'REFUSED' });
    expect(await storage.stat(key('app/a'), patient)).toBeUndefined();
    expect(await infosOf(storage)).toEqual([]);
  });

  test.each([
    ['a folder', ''],
    ['nothing', 'unmounted'],
  ])(
    "B6: a link to %s in the place of a target's folder is refused by name, not taken for no backups",
    async (_, name) => {
      const [root, outside] = [await temporaryFolder(), await temporaryFolder()];
      await symlink(join(outside, name), join(root, 'app'));
      const storage = await openIn(root);
      const refusal = { code: 'REFUSED', message: `${join(root, 'app')} is a symbolic link` };
      for (const prefix of ['', 'app', 'app/20261120T020000Z-4f7a2c1e']) {
        await expect(Array.fromAsync(storage.list(prefix, patient))).rejects.toMatchObject(refusal);
      }
      expect(await Array.fromAsync(storage.list('app2', patient))).toEqual([]);
    },
  );

  test('B6: remove takes a link away and not what it points to', async () => {
    const [root, outside] = [await temporaryFolder(), await temporaryFolder()];
    await writeFile(join(outside, 'precious'), 'x');
    await mkdir(join(root, 'app'));
    await symlink(join(outside, 'precious'), join(root, 'app', 'a'));
    const storage = await openIn(root);
    await storage.remove(key('app/a'), patient);
    expect(await filesBelow(outside)).toEqual(['precious']);
  });

  test('B6: a fifo in the place of an object does not hold the reader up', async () => {
    const root = await temporaryFolder();
    await mkdir(join(root, 'app'));
    await promisify(execFile)('mkfifo', [join(root, 'app', 'a')]);
    const storage = await openIn(root);
    expect(await storage.stat(key('app/a'), patient)).toBeUndefined();
    expect(await keysOf(storage)).toEqual([]);
    await expect(storage.get(key('app/a'), patient)).rejects.toMatchObject({ name: 'DbopsError' });
  });
});

describe('what is not ours', () => {
  test('hidden names, and names that no key could have, are never listed', async () => {
    const root = await temporaryFolder();
    for (const folder of ['.dbops-tmp/1_2_3_4_5', '.dbops-tmp-1000/1_2_3_4_5', '.hidden', 'app', 'with space']) {
      await mkdir(join(root, folder), { recursive: true });
      await writeFile(join(root, folder, 'file'), 'x');
    }
    for (const name of ['.hidden', 'new\nline', '-dash', 'ä', "quote'", 'back\\slash', '~home']) {
      await writeFile(join(root, 'app', name), 'x');
    }
    expect(await keysOf(await openIn(root))).toEqual(['app/file']);
  });

  test('a root that is a file fails with STORAGE_FAILED and names it', async () => {
    const root = join(await temporaryFolder(), 'file');
    await writeFile(root, 'x');
    const storage = await openIn(root);
    const failure = storage.put(key('app/a'), bodyOf('x'), patient);
    await expect(failure).rejects.toMatchObject({ code: 'STORAGE_FAILED', message: expect.stringContaining(root) });
  });

  test('reading and listing a root that does not exist does not make it', async () => {
    const root = join(await temporaryFolder(), 'absent');
    const storage = await openIn(root);
    expect(await keysOf(storage)).toEqual([]);
    expect(await storage.stat(key('app/a'), patient)).toBeUndefined();
    expect(await storage.freeBytes(patient)).toBeGreaterThan(0);
    await storage.remove(key('app/a'), patient);
    await storage[Symbol.asyncDispose]();
    await expect(lstat(root)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

describe('the latest link', () => {
  test('it points at the folder by a relative name, and moves in one step', async () => {
    const root = await temporaryFolder();
    const storage = await openIn(root);
    await storage.put(key('app/one/a'), bodyOf('1'), patient);
    await storage.put(key('app/two/a'), bodyOf('2'), patient);
    await storage.pointLatest('app', 'one', patient);
    expect(await readlink(join(root, 'app', 'latest'))).toBe('one');
    await storage.pointLatest('app', 'two', patient);
    expect(await readFile(join(root, 'app', 'latest', 'a'), 'utf8')).toBe('2');
    expect(await keysOf(storage)).toEqual(['app/one/a', 'app/two/a']);
    await storage[Symbol.asyncDispose]();
    expect(await filesBelow(root)).toEqual(['app/latest', 'app/one/a', 'app/two/a']);
  });

  test('a file of that name belongs to somebody else and stays', async () => {
    const root = await temporaryFolder();
    const storage = await openIn(root);
    await storage.put(key('app/latest'), bodyOf('mine'), patient);
    await storage.pointLatest('app', 'one', patient);
    expect(await readFile(join(root, 'app', 'latest'), 'utf8')).toBe('mine');
  });
});

describe('folders', () => {
  test('the folder of a removed backup goes with its last object, that of its target stays', async () => {
    const root = await temporaryFolder();
    const storage = await openIn(root);
    await storage.put(key('app/one/a'), bodyOf('1'), patient);
    await storage.put(key('app/one/b'), bodyOf('1'), patient);
    await storage.remove(key('app/one/a'), patient);
    expect(await filesBelow(root)).toEqual(['app/one/b']);
    await storage.remove(key('app/one/b'), patient);
    await storage[Symbol.asyncDispose]();
    expect(await foldersBelow(root)).toEqual(['app']);
  });

  test('the body is collected on the disk of the storage, and is hidden there until it is whole', async () => {
    const root = await temporaryFolder();
    const storage = await openIn(root);
    let during: string[] = [];
    async function* give(): AsyncGenerator<Buffer> {
      yield noise(10_000);
      during = await filesBelow(root);
      yield noise(10_000);
    }
    const { Readable } = await import('node:stream');
    await storage.put(key('app/one/a'), Readable.from(give(), { objectMode: false }), patient);
    expect(during).toHaveLength(1);
    expect(during[0]).toMatch(/^\.dbops-tmp\//);
    expect((await infosOf(storage)).map((info) => [info.key, info.bytes])).toEqual([['app/one/a', 20_000]]);
  });
});
