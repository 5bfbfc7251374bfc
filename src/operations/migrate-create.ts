import { join } from 'node:path';
import { DbopsError } from '../core/errors.ts';
import { fileNameOf, readNames, rollbackNameOf } from '../core/migrations/folder.ts';
import type { MigrationFolder } from '../core/ports/migration-folder.ts';
import type { Ports } from './ports.ts';

export interface CreatedMigration {
  readonly version: string;
  /** Paths of the new files. */
  readonly files: readonly string[];
}

/**
 * Makes the files of a new migration. Its version is the present time in UTC, or the first second after it that is free.
 * @throws DbopsError USAGE
 */
export async function createNames(
  folder: MigrationFolder,
  name: string,
  withRollback: boolean,
  ports: Ports,
): Promise<CreatedMigration> {
  const taken = new Set(await versionsIn(folder));
  let time = ports.clock.now().getTime();
  while (taken.has(versionAt(time))) time += 1_000;
  const version = versionAt(time);
  const file = fileNameOf(version, name);
  if (file === undefined) {
    throw new DbopsError('USAGE', `${JSON.stringify(name)} is no name of a migration`, {
      hint: 'Use letters, digits, dashes and underscores, and no _rollback at the end.',
    });
  }
  const files = [file, ...(withRollback ? [rollbackNameOf(file)] : [])];
  for (const each of files) await folder.create(each, '');
  return { version, files: files.map((each) => join(folder.path, each)) };
}

async function versionsIn(folder: MigrationFolder): Promise<string[]> {
  const names = await folder.names().catch(() => []);
  return readNames(names).migrations.map(({ version }) => version);
}

function versionAt(time: number): string {
  return new Date(time).toISOString().replace(/\D/g, '').slice(0, 14);
}
