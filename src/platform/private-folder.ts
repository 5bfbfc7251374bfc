import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  type Stats,
} from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';

/** Where this user keeps what may be lost (XDG Base Directory Specification); undefined where no place is named. */
export function cacheFolderIn(env: Readonly<Record<string, string | undefined>>): string | undefined {
  const { XDG_CACHE_HOME: own, HOME: home } = env;
  // The specification wants relative ones ignored.
  if (own !== undefined && isAbsolute(own)) return join(own, 'dbops');
  return home !== undefined && isAbsolute(home) ? join(home, '.cache', 'dbops') : undefined;
}

/**
 * Small files in a folder that may be lost, foreign, full or read-only: then it holds nothing, and nothing fails.
 * Names are plain file names, not starting with a dot. Without promises, because there may be thousands of them.
 */
export interface PrivateFolder {
  names(): readonly string[];
  /** Undefined for what is not there, is not ours, or is larger than the limit in bytes. */
  read(name: string, limit: number): Buffer | undefined;
  /** In one step for readers in other processes. A power cut may leave anything under the name. */
  write(name: string, content: Uint8Array): void;
  remove(name: string): void;
}

// A write takes moments; what is older was left by a kill.
const leftoverMs = 3_600_000;

/**
 * Opens a folder of 0700 with files of 0600, made by the first write. One that belongs to somebody else, or that others
 * may write into, is not used: they could put words into our mouth.
 */
export function openPrivateFolder(path: string): PrivateFolder {
  // Looked at once: whoever may change it afterwards is this user, or root.
  let trust: 'unknown' | 'ours' | 'none' = 'unknown';
  const isOurs = (): boolean => {
    if (trust === 'unknown') trust = isPrivate(path) && isPrivate(dirname(path)) ? 'ours' : 'none';
    return trust === 'ours';
  };
  let isWritable = true;
  return {
    names: () => (isOurs() ? (quietly(() => listNames(path)) ?? []) : []),
    read: (name, limit) => (isOurs() ? quietly(() => readOwn(join(path, name), limit)) : undefined),
    write: (name, content) => {
      if (!isWritable) return;
      if (!isOurs()) {
        quietly(() => make(path));
        trust = 'unknown';
      }
      // What fails once, on a full disk or for want of rights, is not tried thousands of times.
      isWritable = isOurs() && quietly(() => replace(path, name, content)) === true;
    },
    remove: (name) => {
      if (isOurs()) quietly(() => rmSync(join(path, name), { force: true }));
    },
  };
}

/** Nothing is made behind a link, or in a folder that others may write into. */
function make(path: string): void {
  mkdirSync(dirname(dirname(path)), { recursive: true, mode: 0o700 });
  if (quietly(() => lstatSync(dirname(path))) === undefined) mkdirSync(dirname(path), { mode: 0o700 });
  if (isPrivate(dirname(path))) mkdirSync(path, { mode: 0o700 });
}

function isPrivate(path: string): boolean {
  const info = quietly(() => lstatSync(path));
  return info?.isDirectory() === true && belongsToUs(info) && (info.mode & 0o022) === 0;
}

function belongsToUs({ uid }: Stats): boolean {
  return process.getuid === undefined || uid === process.getuid();
}

function listNames(path: string): string[] {
  const names = readdirSync(path);
  for (const name of names.filter((each) => each.startsWith('.'))) {
    const file = join(path, name);
    if (Date.now() - statSync(file).mtimeMs > leftoverMs) rmSync(file, { force: true });
  }
  return names.filter((name) => !name.startsWith('.'));
}

function readOwn(file: string, limit: number): Buffer | undefined {
  const fd = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const info = fstatSync(fd);
    return info.isFile() && belongsToUs(info) && info.size <= limit ? readFileSync(fd) : undefined;
  } finally {
    closeSync(fd);
  }
}

function replace(path: string, name: string, content: Uint8Array): true {
  const temporary = join(path, `.${randomBytes(8).toString('hex')}`);
  try {
    writeFileSync(temporary, content, { mode: 0o600, flag: 'wx' });
    renameSync(temporary, join(path, name));
    return true;
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

function quietly<T>(act: () => T): T | undefined {
  try {
    return act();
  } catch {
    return undefined;
  }
}
