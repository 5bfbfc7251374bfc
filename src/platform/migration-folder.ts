import { mkdir, open, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DbopsError, hasCode, messageOf } from '../core/errors.ts';
import type { MigrationFolder } from '../core/ports/migration-folder.ts';
import { storageError } from './file-error.ts';

// It is held in memory, more than once.
const mostBytes = 256 * 1024 * 1024;

export function openMigrationFolder(path: string): MigrationFolder {
  return {
    path,
    names: () => listNames(path),
    read: (name) => readBounded(join(path, name)),
    create: async (name, text) => {
      try {
        await mkdir(path, { recursive: true });
        await writeFile(join(path, name), text, { flag: 'wx' });
      } catch (error) {
        if (!hasCode(error, 'EEXIST')) throw storageError(error, `cannot write ${join(path, name)}`);
        throw new DbopsError('REFUSED', `${join(path, name)} exists already`, { hint: 'Choose another name.' });
      }
    },
  };
}

async function listNames(path: string): Promise<string[]> {
  try {
    const entries = await readdir(path, { withFileTypes: true });
    return entries.filter((entry) => !entry.isDirectory()).map(({ name }) => name);
  } catch (error) {
    const reason = hasCode(error, 'ENOENT') ? 'does not exist' : `cannot be read: ${messageOf(error)}`;
    throw new DbopsError('USAGE', `the folder of migrations ${path} ${reason}`, {
      hint: 'Name it with --folder, or make the first migration: dbops migrate create <name>.',
      cause: error,
    });
  }
}

async function readBounded(path: string): Promise<Buffer> {
  try {
    await using file = await open(path, 'r');
    const { size } = await file.stat();
    if (size <= mostBytes) return await file.readFile();
  } catch (error) {
    throw new DbopsError('USAGE', `${path} cannot be read: ${messageOf(error)}`, { cause: error });
  }
  throw new DbopsError('USAGE', `${path} is longer than ${mostBytes} bytes`, {
    hint: 'Load that much data with another program, or write several migrations.',
  });
}
