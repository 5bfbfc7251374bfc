import { constants } from 'node:fs';
import { open, realpath, stat } from 'node:fs/promises';
import { DbopsError, hasCode, messageOf } from '../../core/errors.ts';
import { HEADER_BYTES, parseHeader, type Header } from './header.ts';

/** What plain file calls tell about a database, made before any connection to it is open in this process. */
export interface SourceFile {
  /** Without symbolic links, so that `-wal` and `-journal` are looked for where SQLite keeps them. */
  readonly path: string;
  readonly bytes: number;
  readonly walBytes: number;
  readonly links: number;
  readonly header: Header;
}

/**
 * For the agent only: closing the file again drops the locks of every connection that this process has to it, and a
 * program that embeds dbops may have some.
 * @throws DbopsError SOURCE_REFUSED saying which of the many things that are no database this is.
 */
export async function lookAtSource(path: string): Promise<SourceFile> {
  const real = await realpath(path).catch((error: unknown) => {
    throw unreadable(path, error);
  });
  const info = await stat(real);
  if (!info.isFile()) {
    const what = info.isDirectory() ? 'is a folder' : 'is not a regular file';
    throw refused(path, what, 'Name the database file itself.');
  }
  if (info.size === 0) {
    throw refused(path, 'is empty (0 bytes)', 'SQLite would take it for a database without tables. Check the path.');
  }
  const header = parseHeader(await readHead(real));
  if (header === undefined) {
    throw refused(
      path,
      'is not an SQLite database, or it is encrypted',
      'Check the path. Databases encrypted by SQLCipher or SEE have to be backed up by a program that has the key.',
    );
  }
  const wal = await stat(`${real}-wal`).catch(() => undefined);
  return { path: real, bytes: info.size, walBytes: wal?.size ?? 0, links: info.nlink, header };
}

async function readHead(path: string): Promise<Buffer> {
  try {
    await using file = await open(path, constants.O_RDONLY);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEADER_BYTES), 0, HEADER_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } catch (error) {
    throw unreadable(path, error);
  }
}

function unreadable(path: string, error: unknown): DbopsError {
  if (hasCode(error, 'ENOENT')) return refused(path, 'does not exist', 'Check the path; dbops never creates a source.');
  if (hasCode(error, 'EACCES')) {
    return refused(path, 'cannot be read: permission denied', 'Run as a user who may read the file and its folder.');
  }
  return refused(path, `cannot be read: ${messageOf(error)}`, 'Check the path and the disk it is on.');
}

function refused(path: string, problem: string, hint: string): DbopsError {
  return new DbopsError('SOURCE_REFUSED', `${path} ${problem}`, { hint });
}
