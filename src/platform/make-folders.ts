import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { hasCode } from '../core/errors.ts';

/**
 * Makes a folder and those above it that are missing, each 0700; gives the ones that it made, from the top. Node's own
 * way never ends below a folder that says that it is not there when something is made in it, as `/proc` does.
 */
export async function makeMissingFolders(path: string): Promise<readonly string[]> {
  try {
    await mkdir(path, { mode: 0o700 });
    return [path];
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return [];
    const above = dirname(path);
    if (!hasCode(error, 'ENOENT') || above === path || existsSync(above)) throw error;
    const made = await makeMissingFolders(above);
    return [...made, ...(await makeMissingFolders(path))];
  }
}
