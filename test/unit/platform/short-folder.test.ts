import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ownIdentity } from '../../../src/platform/process-identity.ts';
import { openShortFolder, removeShortFolder, type ShortFolderRequest } from '../../../src/platform/short-folder.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const request: ShortFolderRequest = {
  parents: [],
  maxBytes: 90,
  account: undefined,
  belongings: [],
  program: 'postgres',
};
const dead = { ...ownIdentity(), start: '1' };
const stranger = { ...ownIdentity(), scope: 'elsewhere.1', host: 'elsewhere' };

test('the first parent that will do is taken, and the folder is private', async () => {
  const root = await temporaryFolder();
  const parents = ['missing', 'a,b', 'x'.repeat(60), 'good', 'better'].map((name) => join(root, name));
  for (const parent of parents.slice(1)) mkdirSync(parent);
  const folder = await openShortFolder({ ...request, parents, maxBytes: 60 });
  expect(folder).toMatch(new RegExp(`^${root}/good/.dbops-\\w{6}$`));
  expect(statSync(folder).mode & 0o777).toBe(0o700);
});

test('without a fitting parent it says which were tried', async () => {
  const root = await temporaryFolder();
  await expect(openShortFolder({ ...request, parents: [root], maxBytes: 10 })).rejects.toMatchObject({
    code: 'STORAGE_FAILED',
    message: expect.stringContaining(root) as string,
  });
});

test('a parent that another user may not pass through is passed over', async () => {
  const root = await temporaryFolder();
  const open = join(root, 'open');
  mkdirSync(open);
  const account = { name: 'somebody', uid: 54_321, gid: 54_321 };
  await expect(openShortFolder({ ...request, parents: [open], account })).rejects.toMatchObject({
    code: 'STORAGE_FAILED',
  });
  chmodSync(root, 0o711);
  const folder = await openShortFolder({ ...request, parents: [open], account });
  expect(statSync(folder).mode & 0o777).toBe(0o711);
});

test('what dead owners left goes, with what belongs to it; what living ones have stays', async () => {
  const parent = await temporaryFolder();
  const [lost, kept] = [
    await makeLeftover(parent, 'aaaaaa', dead),
    await makeLeftover(parent, 'bbbbbb', ownIdentity()),
  ];
  const mine = await openShortFolder({ ...request, parents: [parent] });
  expect([lost.folder, lost.belonging, kept.folder, kept.belonging, mine].map((path) => existsSync(path))).toEqual([
    false,
    false,
    true,
    true,
    true,
  ]);
});

test('what others may have written or led elsewhere is not obeyed', async () => {
  const parent = await temporaryFolder();
  const writable = await makeLeftover(parent, 'aaaaaa', dead);
  chmodSync(writable.folder, 0o777);
  const real = await makeLeftover(await temporaryFolder(), 'bbbbbb', dead);
  symlinkSync(real.folder, join(parent, '.dbops-bbbbbb'));
  await openShortFolder({ ...request, parents: [parent] });
  expect(existsSync(writable.belonging)).toBe(true);
  expect(existsSync(real.belonging)).toBe(true);
});

test('what nobody can be asked about stays for a week', async () => {
  const parent = await temporaryFolder();
  const [left] = [await makeLeftover(parent, 'aaaaaa', stranger)];
  mkdirSync(join(parent, '.dbops-bbbbbb'), { mode: 0o700 });
  await removeShortFolder(await openShortFolder({ ...request, parents: [parent] }));
  expect(readdirSync(parent)).toHaveLength(2);
  const old = new Date(Date.now() - 8 * 86_400_000);
  for (const name of readdirSync(parent)) utimesSync(join(parent, name), old, old);
  await removeShortFolder(await openShortFolder({ ...request, parents: [parent] }));
  expect(readdirSync(parent)).toEqual([]);
  expect(existsSync(left.belonging)).toBe(false);
});

test('removing takes what belongs to it along, and does nothing twice', async () => {
  const [parent, belonging] = [await temporaryFolder(), join(await temporaryFolder(), 'data')];
  mkdirSync(belonging);
  writeFileSync(join(belonging, 'file'), '');
  const folder = await openShortFolder({ ...request, parents: [parent], belongings: [belonging] });
  await removeShortFolder(folder);
  await removeShortFolder(folder);
  expect(readdirSync(parent)).toEqual([]);
  expect(existsSync(belonging)).toBe(false);
});

async function makeLeftover(
  parent: string,
  nonce: string,
  owner: object,
): Promise<{ readonly folder: string; readonly belonging: string }> {
  const [folder, belonging] = [join(parent, `.dbops-${nonce}`), join(await temporaryFolder(), 'data')];
  for (const path of [folder, belonging]) mkdirSync(path, { mode: 0o700 });
  writeFileSync(join(folder, 'owner.json'), JSON.stringify({ owner, belongings: [belonging], program: 'postgres' }));
  return { folder, belonging };
}
