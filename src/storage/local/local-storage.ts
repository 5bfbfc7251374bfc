import { closeSync, constants, createReadStream, fstatSync, openSync, readFileSync } from 'node:fs';
import { lstat, rmdir, stat, statfs, symlink, rename, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { DbopsError, hasCode } from '../../core/errors.ts';
import { isTargetName, type ObjectKey } from '../../core/ids.ts';
import type { Scratch } from '../../core/ports/scratch.ts';
import type { ObjectInfo, PutOptions, Storage, StorageRemark } from '../../core/ports/storage.ts';
import { makeFolders, syncFolder, writeDurably } from '../../platform/durable-file.ts';
import { storageError } from '../../platform/file-error.ts';
import { makeMissingFolders } from '../../platform/make-folders.ts';
import { openScratch } from '../../platform/scratch.ts';
import { walk } from './walk.ts';

/**
 * Backups as plain files below a folder: 0600 in folders of 0700, written durably. A folder that does not exist is
 * made by the first write, not before.
 */
export function createLocalStorage(root: string): Storage {
  const temporary = createTemporaryNames(root);
  const pathOf = (key: ObjectKey): string => join(root, ...key.split('/'));
  return {
    label: root,
    traits: { scratchParent: root },
    put: async (key, body, options) => {
      try {
        await putFile({ root, key, body, temporary: await temporary.next() }, options);
      } catch (error) {
        body.destroy();
        throw explain(error, options.signal, `cannot write ${pathOf(key)}`);
      }
    },
    get: async (key, { signal }) => {
      // A stream made with an aborted signal fails before anybody can listen to it.
      signal.throwIfAborted();
      try {
        return openForReading(pathOf(key), signal);
      } catch (error) {
        if (hasCode(error, 'ENOENT') || hasCode(error, 'ENOTDIR')) throw missing(pathOf(key), error);
        throw explain(error, signal, `cannot read ${pathOf(key)}`);
      }
    },
    stat: async (key) => statFile(pathOf(key), key),
    list: (prefix, { signal }) => walk(root, prefix, signal),
    remove: async (key, { signal }) => {
      signal.throwIfAborted();
      try {
        await removeFile(root, pathOf(key));
      } catch (error) {
        throw explain(error, signal, `cannot remove ${pathOf(key)}`);
      }
    },
    // A scratch folder that a dead process left is removed when the next one is opened.
    async *unfinished() {},
    remarks: () => remarksOn(root),
    freeBytes: async () => freeBytesOf(root),
    pointLatest: async (folder, name) => pointLatest(join(root, folder), name, await temporary.next()),
    [Symbol.asyncDispose]: () => temporary[Symbol.asyncDispose](),
  };
}

interface FilePut {
  readonly root: string;
  readonly key: ObjectKey;
  readonly body: Readable;
  readonly temporary: string;
}

async function putFile({ root, key, body, temporary }: FilePut, options: PutOptions): Promise<void> {
  options.signal.throwIfAborted();
  const segments = key.split('/');
  const folder = await makeFolders(root, segments.slice(0, -1));
  const path = join(folder, segments.at(-1) ?? '');
  await writeDurably({ temporary, path, body, ifAbsent: options.ifAbsent ?? false, signal: options.signal });
}

// A catalogue is thousands of small files. Each is read at once and without promises: four ways through a thread take
// ten times the calls themselves.
const smallBytes = 1 << 16;

function openForReading(path: string, signal: AbortSignal): Readable {
  // A pipe in the place of a file would hold whoever opens it up for ever, unless it is opened like this.
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  let content: Buffer | undefined;
  try {
    if (sizeOfRegular(fd, path) <= smallBytes) content = readFileSync(fd);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  if (content === undefined) return createReadStream('', { fd, highWaterMark: 1 << 18, signal });
  closeSync(fd);
  return Readable.from([content], { objectMode: false });
}

function sizeOfRegular(fd: number, path: string): number {
  const info = fstatSync(fd);
  if (info.isFile()) return info.size;
  if (info.isDirectory()) throw missing(path, undefined);
  throw new DbopsError('REFUSED', `${path} is not a regular file`, { hint: 'dbops never made it. Remove it.' });
}

/** Names of temporary files, in a scratch folder that is made when the first one is needed. */
function createTemporaryNames(root: string): AsyncDisposable & { next(): Promise<string> } {
  let scratch: Promise<Scratch> | undefined;
  let count = 0;
  return {
    next: async () => {
      scratch ??= openRoot(root).then(() => openScratch(root));
      const { folder } = await scratch;
      count += 1;
      return join(folder, `object-${count}`);
    },
    [Symbol.asyncDispose]: async () => {
      // A scratch folder that could not be opened has already failed the put that asked for it.
      const opened = await scratch?.catch(() => undefined);
      await opened?.[Symbol.asyncDispose]();
    },
  };
}

async function openRoot(root: string): Promise<void> {
  await makeDurably(root);
  const info = await stat(root);
  const { mode } = info;
  if (!info.isDirectory()) {
    throw new DbopsError('STORAGE_FAILED', `${root} is not a folder`, { hint: 'Name a folder as the storage.' });
  }
  if ((mode & 0o002) !== 0 && (mode & 0o1000) === 0) {
    throw new DbopsError('REFUSED', `every user may write into ${root}`, {
      hint: `Anyone could replace the backups in it. Run: chmod o-w '${root}'`,
    });
  }
}

/** A backup in a folder that a power cut takes back is none: every folder that is made is synced into its parent. */
async function makeDurably(root: string): Promise<void> {
  for (const folder of (await makeMissingFolders(root)).toReversed()) {
    // One that this user may write but not read cannot be opened for it.
    await syncFolder(dirname(folder)).catch((error: unknown) => {
      if (!hasCode(error, 'EACCES')) throw error;
    });
  }
}

async function statFile(path: string, key: ObjectKey): Promise<ObjectInfo | undefined> {
  try {
    const info = await lstat(path);
    return info.isFile() ? { key, bytes: info.size, modifiedAt: info.mtime } : undefined;
  } catch (error) {
    if (hasCode(error, 'ENOENT') || hasCode(error, 'ENOTDIR')) return undefined;
    throw storageError(error, `cannot look at ${path}`);
  }
}

async function removeFile(root: string, path: string): Promise<void> {
  const folder = dirname(path);
  try {
    await unlink(path);
    await syncFolder(folder);
  } catch (error) {
    if (hasCode(error, 'ENOTDIR')) return;
    // A put that failed may have made the folder and nothing in it.
    if (!hasCode(error, 'ENOENT')) throw error;
  }
  // Only the backup's own folder and those in it: the target's folder stays, so that `latest` and its rights stay too,
  // and so that whoever is about to put a lock there does not lose the folder to another run that releases its own.
  const isKept = (above: string): boolean =>
    above === root || (dirname(above) === root && isTargetName(basename(above)));
  for (let above = folder; !isKept(above); above = dirname(above)) {
    if (!(await removeEmptyFolder(above))) return;
  }
}

/** False when something is in it. */
async function removeEmptyFolder(folder: string): Promise<boolean> {
  try {
    await rmdir(folder);
    return true;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return true;
    if (hasCode(error, 'ENOTEMPTY') || hasCode(error, 'EEXIST')) return false;
    throw error;
  }
}

async function remarksOn(root: string): Promise<readonly StorageRemark[]> {
  const { mode } = await stat(root);
  const readers = mode & 0o077;
  if (readers === 0) return [{ name: 'rights', level: 'fine', text: 'nobody else may enter the folder' }];
  return [
    {
      name: 'rights',
      level: 'note',
      text: `others may enter the folder (mode ${(mode & 0o777).toString(8)}); the files in it are for you alone`,
      hint: `To close it, run: chmod 700 '${root}'`,
    },
  ];
}

async function freeBytesOf(root: string): Promise<number | undefined> {
  try {
    const { bavail, bsize } = await statfs(root);
    return bavail * bsize;
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) return undefined;
    const parent = dirname(root);
    return parent === root ? undefined : freeBytesOf(parent);
  }
}

async function pointLatest(folder: string, name: string, temporary: string): Promise<void> {
  const link = join(folder, 'latest');
  try {
    const there = await lstat(link).catch(() => undefined);
    // A file or folder of that name belongs to somebody else; the link is a comfort, not part of a backup.
    if (there !== undefined && !there.isSymbolicLink()) return;
    await symlink(name, temporary);
    await rename(temporary, link);
  } catch (error) {
    // File systems without links do without this one.
    if (!hasCode(error, 'EPERM') && !hasCode(error, 'ENOTSUP')) throw storageError(error, `cannot set ${link}`);
  }
}

function missing(path: string, cause: unknown): DbopsError {
  return new DbopsError('OBJECT_MISSING', `${path} is missing`, {
    hint: 'It was removed after the listing, by prune or by hand. Run `dbops list` again.',
    cause,
  });
}

function explain(error: unknown, signal: AbortSignal, what: string): unknown {
  if (signal.aborted) return signal.reason;
  return hasCode(error, 'ELOOP')
    ? new DbopsError('REFUSED', `${what}: it is a symbolic link`, { cause: error })
    : storageError(error, what);
}
