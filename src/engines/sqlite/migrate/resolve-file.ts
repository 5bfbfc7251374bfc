import { realpath, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { DbopsError } from '../../../core/errors.ts';

/** The file itself, without links, so that its `-wal` is found; one that is not there only where it may be made. */
export async function resolveFile(location: string, create: boolean): Promise<string> {
  const path = await realpath(location).catch(() => undefined);
  if (path === undefined) {
    const folder = await realpath(dirname(location)).catch(() => undefined);
    if (create && folder !== undefined) return join(folder, basename(location));
    throw new DbopsError('SOURCE_REFUSED', `${location} does not exist`, {
      hint: 'Check the path. To begin with an empty database, add --create.',
    });
  }
  if ((await stat(path)).isFile()) return path;
  throw new DbopsError('SOURCE_REFUSED', `${location} is not a regular file`, {
    hint: 'Name the database file itself.',
  });
}
