import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, lstat, mkdir, readdir, rename, symlink, utimes, writeFile } from 'node:fs/promises';
import { hostname, userInfo } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { openScratch, SCRATCH_NAME, sweepScratch } from '../../../src/platform/scratch.ts';
import { filesBelow } from '../../support/file-tree.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const program = fileURLToPath(new URL('../../support/open-scratch.ts', import.meta.url));

/** Opens a scratch folder in another process, which is killed -9 before it can clean up. */
async function abandonedScratch(parent: string): Promise<string> {
  const child = spawn(process.execPath, [program, parent], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  child.kill('SIGKILL');
  await once(child, 'close');
  return line.toString().trim();
}

test('disposing removes the folder and all that is in it, and leaves nothing beside it', async () => {
  const parent = await temporaryFolder();
  const scratch = await openScratch(parent);
  await mkdir(join(scratch.folder, 'deep', 'er'), { recursive: true });
  await writeFile(join(scratch.folder, 'deep', 'er', 'file'), 'x');
  await scratch[Symbol.asyncDispose]();
  expect(await readdir(parent)).toEqual([]);
});

test('two scratch folders of one process do not share anything', async () => {
  const parent = await temporaryFolder();
  await using first = await openScratch(parent);
  const second = await openScratch(parent);
  await writeFile(join(first.folder, 'file'), 'x');
  await second[Symbol.asyncDispose]();
  expect(await filesBelow(first.folder)).toEqual(['file']);
});

test('A1: what a process that was killed left is swept by the next one', async () => {
  const parent = await temporaryFolder();
  const left = await abandonedScratch(parent);
  expect(await filesBelow(parent)).toEqual([`${SCRATCH_NAME}/${basename(left)}/half-written`]);
  await using scratch = await openScratch(parent);
  expect(await readdir(dirname(scratch.folder))).toEqual([basename(scratch.folder)]);
});

test('A1: sweeping alone removes it too, with the folder around it', async () => {
  const parent = await temporaryFolder();
  await abandonedScratch(parent);
  await sweepScratch(parent);
  expect(await readdir(parent)).toEqual([]);
});

test('the scratch folder of a live process is not swept', async () => {
  const parent = await temporaryFolder();
  await using first = await openScratch(parent);
  await writeFile(join(first.folder, 'file'), 'x');
  await sweepScratch(parent);
  expect(await filesBelow(first.folder)).toEqual(['file']);
});

test('F3: a folder whose pid was given to another process is swept', async () => {
  const parent = await temporaryFolder();
  await using scratch = await openScratch(parent);
  const [pid, , ...rest] = basename(scratch.folder).split('_');
  await mkdir(join(dirname(scratch.folder), [pid, '1', ...rest].join('_')));
  await sweepScratch(parent);
  expect(await readdir(dirname(scratch.folder))).toEqual([basename(scratch.folder)]);
});

test('F4: a folder of a process that cannot be seen from here stays for a week, then goes', async () => {
  const parent = await temporaryFolder();
  const host = Buffer.from(`not-${hostname()}`).toString('hex');
  const [young, old] = [`7_7_boot.1_${host}_00000001`, `7_7_boot.1_${host}_00000002`];
  for (const name of [young, old]) await mkdir(join(parent, SCRATCH_NAME, name), { recursive: true });
  const eightDaysAgo = new Date(Date.now() - 8 * 86_400_000);
  await utimes(join(parent, SCRATCH_NAME, old), eightDaysAgo, eightDaysAgo);
  await sweepScratch(parent);
  expect(await readdir(join(parent, SCRATCH_NAME))).toEqual([young]);
});

test('sweeping where there is nothing does nothing', async () => {
  const parent = await temporaryFolder();
  await sweepScratch(parent);
  await sweepScratch(join(parent, 'absent'));
  expect(await readdir(parent)).toEqual([]);
});

test('B7: a scratch folder that somebody replaced by a link is not followed', async () => {
  const [parent, outside] = [await temporaryFolder(), await temporaryFolder()];
  await symlink(outside, join(parent, SCRATCH_NAME));
  await expect(openScratch(parent)).rejects.toMatchObject({ code: 'REFUSED' });
  expect(await readdir(outside)).toEqual([]);
});

test('a link inside is removed, and what it points to stays', async () => {
  const [parent, outside] = [await temporaryFolder(), await temporaryFolder()];
  await writeFile(join(outside, 'precious'), 'x');
  const left = await abandonedScratch(parent);
  await symlink(outside, join(left, 'link'));
  await rename(join(left, 'half-written'), join(left, 'other'));
  await sweepScratch(parent);
  expect(await filesBelow(outside)).toEqual(['precious']);
});

describe('where everybody may write', () => {
  async function sharedFolder(): Promise<string> {
    const parent = await temporaryFolder();
    await chmod(parent, 0o1777);
    return parent;
  }

  const own = `${SCRATCH_NAME}-${userInfo().uid}`;

  test('each user has a folder of its own, so that nobody shuts the others out', async () => {
    const parent = await sharedFolder();
    await mkdir(join(parent, SCRATCH_NAME), { mode: 0o700 });
    await chown(join(parent, SCRATCH_NAME), 12_345, 12_345);
    const scratch = await openScratch(parent);
    expect(dirname(scratch.folder)).toBe(join(parent, own));
    expect((await lstat(join(parent, own))).mode & 0o777).toBe(0o700);
    await scratch[Symbol.asyncDispose]();
    expect(await readdir(parent)).toEqual([SCRATCH_NAME]);
  });

  test('what a process that was killed left is swept by the next one', async () => {
    const parent = await sharedFolder();
    const left = await abandonedScratch(parent);
    expect(await filesBelow(parent)).toEqual([`${own}/${basename(left)}/half-written`]);
    await sweepScratch(parent);
    expect(await readdir(parent)).toEqual([]);
  });

  test('one that somebody else made under our name is refused', async () => {
    const parent = await sharedFolder();
    await mkdir(join(parent, own), { mode: 0o700 });
    await chown(join(parent, own), 12_345, 12_345);
    await expect(openScratch(parent)).rejects.toMatchObject({ code: 'REFUSED' });
  });
});
