import { open, type FileHandle } from 'node:fs/promises';
import { DbopsError, hasCode, messageOf } from '../core/errors.ts';

// The largest files of keys hold a few thousand characters.
const mostBytes = 64 * 1024;

/**
 * Reads a small secret file, and refuses one that others may read too, as ssh does.
 * @throws DbopsError KEY_MISSING, KEY_REFUSED
 */
export async function readSecretFile(path: string): Promise<string> {
  try {
    await using file = await open(path, 'r');
    const info = await file.stat();
    const { mode } = info;
    if (info.isDirectory()) throw new Error('it is a folder');
    if ((mode & 0o077) !== 0) throw tooOpen(path, mode);
    return await readSome(file);
  } catch (error) {
    if (error instanceof DbopsError) throw error;
    throw new DbopsError('KEY_MISSING', `the secret file ${path} cannot be read: ${reasonOf(error)}`, {
      hint: 'Check the path, and that this user may read it.',
      cause: error,
    });
  }
}

/** From where it stands: a pipe, such as a shell makes of `<(command)`, has no beginning to go back to. */
async function readSome(file: FileHandle): Promise<string> {
  const buffer = Buffer.alloc(mostBytes);
  for (let length = 0; ;) {
    const { bytesRead } = await file.read(buffer, length, mostBytes - length, null);
    length += bytesRead;
    if (bytesRead === 0 || length === mostBytes) return buffer.subarray(0, length).toString('utf8');
  }
}

function tooOpen(path: string, mode: number): DbopsError {
  const shown = (mode & 0o777).toString(8).padStart(4, '0');
  return new DbopsError('KEY_REFUSED', `the secret file ${path} can be read by others (mode ${shown})`, {
    hint: `Run: chmod 600 '${path.replaceAll("'", String.raw`'\''`)}'`,
  });
}

function reasonOf(error: unknown): string {
  return hasCode(error, 'ENOENT') ? 'it does not exist' : messageOf(error);
}
