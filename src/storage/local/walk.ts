import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode } from '../../core/errors.ts';
import { isObjectKey, type ObjectKey } from '../../core/ids.ts';
import type { ObjectInfo } from '../../core/ports/storage.ts';
import { storageError } from '../../platform/file-error.ts';

/**
 * Yields the regular files below a prefix, ascending by key. Links, hidden names and names that could not be keys
 * are left out: dbops wrote none of them.
 */
export async function* walk(root: string, prefix: string, signal: AbortSignal): AsyncGenerator<ObjectInfo> {
  signal.throwIfAborted();
  const names = await namesIn(join(root, ...prefix.split('/')));
  const entries = await Promise.all(names.map((name) => look(root, prefix === '' ? name : `${prefix}/${name}`)));
  // A folder sorts as its contents do: `a/` after `a-b` and before `a0`.
  const inOrder = entries.filter((entry) => entry !== undefined).toSorted((a, b) => (a.sort < b.sort ? -1 : 1));
  for (const entry of inOrder) {
    signal.throwIfAborted();
    if (entry.info === undefined) yield* walk(root, entry.path, signal);
    else yield entry.info;
  }
}

interface Entry {
  readonly path: string;
  readonly sort: string;
  /** Undefined for a folder. */
  readonly info: ObjectInfo | undefined;
}

async function look(root: string, path: string): Promise<Entry | undefined> {
  try {
    const info = await lstat(join(root, ...path.split('/')));
    if (info.isDirectory()) return { path, sort: `${path}/`, info: undefined };
    if (!info.isFile()) return undefined;
    return { path, sort: path, info: { key: path as ObjectKey, bytes: info.size, modifiedAt: info.mtime } };
  } catch (error) {
    // Removed between the listing and now.
    if (hasCode(error, 'ENOENT')) return undefined;
    throw storageError(error, `cannot look at ${join(root, path)}`);
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).filter(isObjectKey);
  } catch (error) {
    if (hasCode(error, 'ENOENT') || hasCode(error, 'ENOTDIR')) return [];
    throw storageError(error, `cannot list ${folder}`);
  }
}
