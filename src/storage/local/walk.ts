import { lstatSync, statSync, type Dirent, type Stats } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DbopsError, hasCode } from '../../core/errors.ts';
import { isObjectKey, isTargetName, type ObjectKey } from '../../core/ids.ts';
import type { ObjectInfo } from '../../core/ports/storage.ts';
import { storageError } from '../../platform/file-error.ts';

// So many folders are listed before their turn: one at a time, thousands of them cost a wait each.
const lookahead = 16;

/**
 * Yields the regular files below a prefix, ascending by key. Links, hidden names and names that could not be keys
 * are left out: dbops wrote none of them.
 * @throws DbopsError REFUSED for a link where a folder of the root should stand: what it hides must not look like nothing.
 */
export async function* walk(root: string, prefix: string, signal: AbortSignal): AsyncGenerator<ObjectInfo> {
  signal.throwIfAborted();
  const [top = ''] = prefix.split('/');
  if (top !== '') refuseLink(root, top);
  yield* walkEntries(root, await listFolder(root, prefix), signal);
}

async function* walkEntries(root: string, entries: readonly Entry[], signal: AbortSignal): AsyncGenerator<ObjectInfo> {
  const listings: Promise<Entry[]>[] = [];
  const folders = entries.filter(({ info }) => info === undefined).values();
  const listNext = (): void => {
    const next = folders.next();
    if (next.done === true) return;
    const listing = listFolder(root, next.value.path);
    // Whoever stops early never asks for the rest.
    listing.catch(() => undefined);
    listings.push(listing);
  };
  for (let count = 0; count < lookahead; count++) listNext();
  for (const entry of entries) {
    signal.throwIfAborted();
    if (entry.info !== undefined) {
      yield entry.info;
      continue;
    }
    const listing = await listings.shift();
    listNext();
    yield* walkEntries(root, listing ?? [], signal);
  }
}

/** The entries of one folder. A folder sorts as its contents do: `a/` after `a-b` and before `a0`. */
async function listFolder(root: string, prefix: string): Promise<Entry[]> {
  const found = await entriesIn(join(root, ...prefix.split('/')));
  const entries = found.map((entry) => look(root, prefix, entry));
  return entries.filter((entry) => entry !== undefined).toSorted((a, b) => (a.sort < b.sort ? -1 : 1));
}

interface Entry {
  readonly path: string;
  readonly sort: string;
  /** Undefined for a folder. */
  readonly info: ObjectInfo | undefined;
}

// Not by a promise: the listing has just brought the entry in, and the way through a thread takes ten times the call.
function look(root: string, prefix: string, found: Dirent): Entry | undefined {
  const path = prefix === '' ? found.name : `${prefix}/${found.name}`;
  if (found.isDirectory()) return { path, sort: `${path}/`, info: undefined };
  try {
    const info = lstatSync(join(root, ...path.split('/')));
    // Some file systems do not tell the kind of an entry in their listings.
    if (info.isDirectory()) return { path, sort: `${path}/`, info: undefined };
    if (prefix === '' && info.isSymbolicLink()) refuseLink(root, found.name);
    if (!info.isFile()) return undefined;
    return { path, sort: path, info: { key: path as ObjectKey, bytes: info.size, modifiedAt: info.mtime } };
  } catch (error) {
    // Removed between the listing and now.
    if (hasCode(error, 'ENOENT')) return undefined;
    throw storageError(error, `cannot look at ${join(root, path)}`);
  }
}

/** `latest`, and links to what is no folder, are somebody's own; a folder may be missing because its disk is not mounted. */
function refuseLink(root: string, name: string): void {
  const path = join(root, name);
  if (name === 'latest' || !isTargetName(name)) return;
  if (statQuietly(lstatSync, path)?.isSymbolicLink() !== true) return;
  if (statQuietly(statSync, path)?.isDirectory() === false) return;
  throw new DbopsError('REFUSED', `${path} is a symbolic link`, {
    hint: 'dbops follows no links inside a storage. Put the folder itself there, or name its real place as the storage.',
  });
}

/** Undefined where nothing can be seen; what that means, the listing of the folder says better. */
function statQuietly(stat: (path: string) => Stats, path: string): Stats | undefined {
  try {
    return stat(path);
  } catch {
    return undefined;
  }
}

async function entriesIn(folder: string): Promise<Dirent[]> {
  try {
    return (await readdir(folder, { withFileTypes: true })).filter(({ name }) => isObjectKey(name));
  } catch (error) {
    if (hasCode(error, 'ENOENT') || hasCode(error, 'ENOTDIR')) return [];
    throw storageError(error, `cannot list ${folder}`);
  }
}
