import { readdir, readFile, stat } from 'node:fs/promises';
import { hasCode } from '../core/errors.ts';

/**
 * Other processes that have one of these files open, in words. Sees what the user may see, on systems with /proc;
 * elsewhere nothing.
 */
export async function usersOfFiles(paths: readonly string[]): Promise<string[]> {
  const wanted = new Set((await Promise.all(paths.map(fileIdentity))).filter((identity) => identity !== undefined));
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name));
  const users: string[] = [];
  for (const pid of pids) {
    if (Number(pid) !== process.pid && (await holdsOne(pid, wanted))) users.push(await nameOf(pid));
  }
  return users;
}

async function holdsOne(pid: string, wanted: ReadonlySet<string>): Promise<boolean> {
  // Ended meanwhile, or somebody else's.
  const descriptors = await readdir(`/proc/${pid}/fd`).catch(() => []);
  for (const descriptor of descriptors) {
    const identity = await fileIdentity(`/proc/${pid}/fd/${descriptor}`);
    if (identity !== undefined && wanted.has(identity)) return true;
  }
  return false;
}

async function fileIdentity(path: string): Promise<string | undefined> {
  try {
    const { dev, ino } = await stat(path, { bigint: true });
    return `${dev}:${ino}`;
  } catch (error) {
    if (['ENOENT', 'EACCES', 'EPERM', 'ENOTDIR', 'ELOOP'].some((code) => hasCode(error, code))) return undefined;
    throw error;
  }
}

async function nameOf(pid: string): Promise<string> {
  const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '');
  return `process ${pid}${name === '' ? '' : ` (${name.trim()})`}`;
}
