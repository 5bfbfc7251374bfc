import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { link, open, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { usersOfFiles } from '../../../src/platform/open-files.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

async function heldFile(): Promise<{ path: string; folder: string; pid: number; release(): Promise<void> }> {
  const folder = await temporaryFolder();
  const path = join(folder, 'app.db');
  await writeFile(path, 'x');
  const child = spawn('sh', ['-c', 'exec 9< "$1"; echo ready; exec sleep 600', 'sh', path], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  await once(child.stdout, 'data');
  const release = async (): Promise<void> => {
    child.kill('SIGKILL');
    await once(child, 'close');
  };
  return { path, folder, pid: child.pid ?? 0, release };
}

test('another process that has the file open is named, with its number', async () => {
  const { path, pid, release } = await heldFile();
  expect(await usersOfFiles([path])).toEqual([expect.stringMatching(new RegExp(`^process ${pid} \\((sh|sleep)\\)$`))]);
  await release();
  expect(await usersOfFiles([path])).toEqual([]);
});

test('it is found by what it holds, under whatever name', async () => {
  const { path, folder, release } = await heldFile();
  await link(path, join(folder, 'hard'));
  await symlink(path, join(folder, 'soft'));
  for (const name of ['hard', 'soft']) expect(await usersOfFiles([join(folder, name)])).toHaveLength(1);
  await release();
});

test('a process is named once, however many of the files it has', async () => {
  const { path, folder, release } = await heldFile();
  expect(await usersOfFiles([path, path, join(folder, 'absent')])).toHaveLength(1);
  await release();
});

test('this process does not count, and neither does another file', async () => {
  const folder = await temporaryFolder();
  const path = join(folder, 'app.db');
  await writeFile(path, 'x');
  await using _ = await open(path);
  expect(await usersOfFiles([path])).toEqual([]);
  expect(await usersOfFiles([join(folder, 'absent'), `${path}/below`])).toEqual([]);
});
