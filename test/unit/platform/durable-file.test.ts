import { existsSync, readFileSync } from 'node:fs';
import { open, readFile, writeFile, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { writeDurably } from '../../../src/platform/durable-file.ts';
import { bodyOf, noise, patient } from '../../support/bodies.ts';
import { filesBelow } from '../../support/file-tree.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

/** What all open files have in common: the place where a call can be watched, or made to fail, on its way. */
async function fileHandlePrototype(): Promise<FileHandle> {
  await using file = await open('/dev/null');
  return Object.getPrototypeOf(file) as FileHandle;
}

interface Place {
  readonly folder: string;
  readonly temporary: string;
  readonly path: string;
}

async function newPlace(): Promise<Place> {
  const folder = await temporaryFolder();
  return { folder, temporary: join(folder, 'temporary'), path: join(folder, 'final') };
}

test.each([true, false])(
  'A8: the file is synced whole before it has its name, its folder after (ifAbsent %s)',
  async (ifAbsent) => {
    const { temporary, path } = await newPlace();
    const bytes = noise(300_000);
    const prototype = await fileHandlePrototype();
    const sync = prototype.sync;
    const seen: { named: boolean; folder: boolean }[] = [];
    vi.spyOn(prototype, 'sync').mockImplementation(async function (this: FileHandle) {
      const isFolder = (await this.stat()).isDirectory();
      if (!isFolder) expect(readFileSync(temporary).equals(bytes)).toBe(true);
      seen.push({ named: existsSync(path), folder: isFolder });
      await sync.call(this);
    });
    await writeDurably({ temporary, path, body: bodyOf(bytes), ifAbsent, ...patient });
    expect(seen).toEqual([
      { named: false, folder: false },
      { named: true, folder: true },
    ]);
  },
);

test('B9: a failed fsync is final: it is not tried again, and neither the file nor its temporary copy stays', async () => {
  const { folder, temporary, path } = await newPlace();
  await writeFile(path, 'old');
  const sync = vi.spyOn(await fileHandlePrototype(), 'sync');
  sync.mockRejectedValueOnce(Object.assign(new Error('EIO: i/o error, fsync'), { code: 'EIO' }));
  const write = writeDurably({ temporary, path, body: bodyOf('new'), ifAbsent: false, ...patient });
  await expect(write).rejects.toMatchObject({ code: 'EIO' });
  expect(sync).toHaveBeenCalledTimes(1);
  expect(await filesBelow(folder)).toEqual(['final']);
  expect(await readFile(path, 'utf8')).toBe('old');
});

test('B8: bytes that the system did not take at once are written after all', async () => {
  const { temporary, path } = await newPlace();
  const bytes = noise(10_000);
  const prototype = await fileHandlePrototype();
  const write = prototype.write as (buffer: Buffer, at: number, length: number) => Promise<{ bytesWritten: number }>;
  vi.spyOn(prototype, 'write').mockImplementation(async function (this: FileHandle, buffer: unknown, at: unknown) {
    return write.call(this, buffer as Buffer, Number(at), Math.min(777, (buffer as Buffer).length - Number(at)));
  } as never);
  await writeDurably({ temporary, path, body: bodyOf(bytes), ifAbsent: true, ...patient });
  expect(readFileSync(path).equals(bytes)).toBe(true);
});

test('B7: a temporary name that is taken is not written to', async () => {
  const { temporary, path } = await newPlace();
  await writeFile(temporary, 'somebody else');
  const write = writeDurably({ temporary, path, body: bodyOf('x'), ifAbsent: false, ...patient });
  await expect(write).rejects.toMatchObject({ code: 'EEXIST' });
  expect(existsSync(path)).toBe(false);
});
