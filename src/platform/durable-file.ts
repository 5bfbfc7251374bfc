import { constants } from 'node:fs';
import { link, lstat, mkdir, open, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { addAbortSignal, type Readable } from 'node:stream';
import { DbopsError, hasCode } from '../core/errors.ts';

export interface DurableWrite {
  /** Where the bytes are collected first; must be new, and on the disk of `path`. */
  readonly temporary: string;
  readonly path: string;
  readonly body: Readable;
  readonly ifAbsent: boolean;
  readonly signal: AbortSignal;
}

/**
 * Writes a file so that it is either there whole, also after a power cut, or not there: temporary name, fsync,
 * rename (or link, which fails when the name is taken), fsync of the folder. A failed fsync is final: the kernel
 * may have dropped the pages, so it is never tried again.
 */
export async function writeDurably(write: DurableWrite): Promise<void> {
  try {
    await writeTemporary(write);
    await (write.ifAbsent ? linkNew(write) : rename(write.temporary, write.path));
    await syncFolder(dirname(write.path));
  } catch (error) {
    write.body.destroy();
    await rm(write.temporary, { force: true });
    throw error;
  }
}

async function writeTemporary({ temporary, body, signal }: DurableWrite): Promise<void> {
  await using file = await openNew(temporary);
  addAbortSignal(signal, body);
  for await (const chunk of body as AsyncIterable<Buffer>) await writeWhole(file, chunk);
  await syncHandle(file);
}

// The system may take less than it was given.
async function writeWhole(file: FileHandle, chunk: Buffer): Promise<void> {
  for (let at = 0; at < chunk.length;) {
    const { bytesWritten } = await file.write(chunk, at, chunk.length - at);
    at += bytesWritten;
  }
}

function openNew(path: string): Promise<FileHandle> {
  return open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600);
}

async function linkNew({ temporary, path }: DurableWrite): Promise<void> {
  try {
    await link(temporary, path);
  } catch (error) {
    if (hasCode(error, 'EEXIST')) throw new DbopsError('OBJECT_EXISTS', `${path} exists already`, { cause: error });
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].some((code) => hasCode(error, code))) throw error;
    // File systems without hard links (FAT, some network shares): claim the name first, then fill it in one step.
    await claim(path);
    await rename(temporary, path);
    return;
  }
  await rm(temporary);
}

async function claim(path: string): Promise<void> {
  try {
    await using _ = await openNew(path);
  } catch (error) {
    if (hasCode(error, 'EEXIST')) throw new DbopsError('OBJECT_EXISTS', `${path} exists already`, { cause: error });
    throw error;
  }
}

/** Makes a folder's entries survive a power cut. Network file systems that cannot sync keep their own promises. */
export async function syncFolder(path: string): Promise<void> {
  await using folder = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  await syncHandle(folder);
}

async function syncHandle(handle: FileHandle): Promise<void> {
  await handle.sync().catch((error: unknown) => {
    if (!hasCode(error, 'EINVAL') && !hasCode(error, 'ENOTSUP')) throw error;
  });
}

/**
 * Makes the folders `segments` below `root`, each 0700 and durable.
 * @throws DbopsError REFUSED when one of them is a symbolic link: it may lead out of the storage.
 */
export async function makeFolders(root: string, segments: readonly string[]): Promise<string> {
  let folder = root;
  for (const segment of segments) {
    const parent = folder;
    folder = join(folder, segment);
    if (await isRealFolder(folder)) continue;
    await mkdir(folder, { mode: 0o700 }).catch((error: unknown) => {
      if (!hasCode(error, 'EEXIST')) throw error;
    });
    await syncFolder(parent);
  }
  return folder;
}

async function isRealFolder(path: string): Promise<boolean> {
  const info = await lstat(path).catch((error: unknown) => {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  });
  if (info === undefined) return false;
  if (info.isDirectory()) return true;
  throw new DbopsError('REFUSED', `${path} is ${info.isSymbolicLink() ? 'a symbolic link' : 'not a folder'}`, {
    hint: 'dbops never writes through links inside a storage. Remove it, or name its real place as the storage.',
  });
}
