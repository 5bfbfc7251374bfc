import { randomBytes } from 'node:crypto';
import { lstat, readdir, rm, rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DbopsError, hasCode } from '../core/errors.ts';
import type { Scratch } from '../core/ports/scratch.ts';
import { storageError } from './file-error.ts';
import { makeMissingFolders } from './make-folders.ts';
import { formatIdentity, livenessOf, ownIdentity, parseIdentity, type ProcessIdentity } from './process-identity.ts';

/**
 * The folder that holds everything temporary: hidden, so that no listing of backups takes it for a target. Where
 * everybody may write, as in /tmp, the user's number follows (`.dbops-tmp-1000`): there one user's would lock all others out.
 */
export const SCRATCH_NAME = '.dbops-tmp';

// Older than any run: what an unknown process (another container, another machine) left is litter by then.
const unknownOwnerMs = 7 * 86_400_000;

/**
 * Opens `<parent>/.dbops-tmp/<owner>`, whose last name says which process it belongs to, so that even a kill right after
 * its creation leaves something that the next run can judge.
 */
export async function openScratch(parent: string): Promise<Scratch> {
  const root = await rootIn(parent);
  const folder = join(root, folderName(ownIdentity()));
  try {
    await makeMissingFolders(root);
    await refuseForeign(root);
    await sweep(root);
    await makeMissingFolders(folder);
  } catch (error) {
    throw explain(error, parent);
  }
  return {
    folder,
    [Symbol.asyncDispose]: async () => {
      await removeFolder(folder);
      await removeIfEmpty(root);
    },
  };
}

async function rootIn(parent: string): Promise<string> {
  const info = await stat(parent).catch(() => undefined);
  const isForAll = info !== undefined && (info.mode & 0o002) !== 0;
  return join(parent, isForAll && process.getuid !== undefined ? `${SCRATCH_NAME}-${process.getuid()}` : SCRATCH_NAME);
}

// Where several users may write, as in /tmp, one of them could lead snapshots of databases to a place of their own.
async function refuseForeign(root: string): Promise<void> {
  // Removed meanwhile by another run that was done: it is made again.
  const info = await lstat(root).catch(() => undefined);
  if (info === undefined) return;
  if (!info.isDirectory()) {
    throw new DbopsError('REFUSED', `${root} is not a folder`, { hint: 'dbops never made it. Remove it.' });
  }
  if (process.getuid !== undefined && info.uid !== process.getuid()) {
    throw new DbopsError('REFUSED', `${root} belongs to another user`, {
      hint: 'Remove it as that user or as root, run as that user, or name a place of your own with --scratch-dir.',
    });
  }
}

function explain(error: unknown, parent: string): DbopsError {
  const what = `cannot make a folder for temporary files in ${parent}`;
  const explained = storageError(error, what);
  if (explained.code !== 'STORAGE_FAILED') return explained;
  return new DbopsError('STORAGE_FAILED', explained.message, {
    hint: 'Run as a user who may write there, or name another place: --scratch-dir, or --into for a restore.',
    cause: error,
  });
}

/** Removes what dead processes left below `parent`. Does nothing when there is nothing. */
export async function sweepScratch(parent: string): Promise<void> {
  const root = await rootIn(parent);
  await sweep(root);
  await removeIfEmpty(root);
}

async function sweep(root: string): Promise<void> {
  const names = await readdir(root).catch((error: unknown) => {
    if (hasCode(error, 'ENOENT') || hasCode(error, 'ENOTDIR')) return [];
    throw error;
  });
  for (const name of names) {
    const folder = join(root, name);
    if (await isAbandoned(folder, name)) await removeFolder(folder);
  }
}

async function isAbandoned(folder: string, name: string): Promise<boolean> {
  const owner = ownerOf(name);
  const liveness = owner === undefined ? 'unknown' : livenessOf(owner);
  if (liveness !== 'unknown') return liveness === 'dead';
  const info = await stat(folder).catch(() => undefined);
  return info !== undefined && Date.now() - info.mtimeMs > unknownOwnerMs;
}

function folderName(identity: ProcessIdentity): string {
  return `${formatIdentity(identity)}_${randomBytes(4).toString('hex')}`;
}

function ownerOf(name: string): ProcessIdentity | undefined {
  const nonce = name.lastIndexOf('_');
  return nonce < 0 ? undefined : parseIdentity(name.slice(0, nonce));
}

// A killed run's child may still be writing for a moment; then removing needs a second look.
async function removeFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
}

async function removeIfEmpty(folder: string): Promise<void> {
  await rmdir(folder).catch((error: unknown) => {
    if (['ENOENT', 'ENOTEMPTY', 'EEXIST'].some((code) => hasCode(error, code))) return;
    throw error;
  });
}
