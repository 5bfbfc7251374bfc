import { readFile, realpath, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/** A user of this machine, by whom a program can be run. */
export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** Whether this process may become any user. */
export function runsAsRoot(): boolean {
  return process.getuid?.() === 0;
}

/** The first of these users that the machine knows (passwd(5)), root never. */
export async function findAccount(names: readonly string[], file = '/etc/passwd'): Promise<Account | undefined> {
  const lines = (await readFile(file, 'utf8').catch(() => '')).split('\n').map((line) => line.split(':'));
  return names
    .map((wanted) => {
      const [name, , uid, gid] = lines.find(([name]) => name === wanted) ?? [];
      return { name: name ?? '', uid: Number(uid), gid: Number(gid) };
    })
    .find(({ uid, gid }) => Number.isSafeInteger(uid) && uid > 0 && Number.isSafeInteger(gid) && gid >= 0);
}

/** Whether a user may pass through a folder and all above it, by their modes. Access lists are not looked at. */
export async function canReach(account: Account, folder: string): Promise<boolean> {
  const { mode, uid, gid } = await stat(folder);
  const bit = uid === account.uid ? 0o100 : gid === account.gid ? 0o010 : 0o001;
  if ((mode & bit) === 0) return false;
  const parent = dirname(await realpath(folder));
  return parent === folder || canReach(account, parent);
}
