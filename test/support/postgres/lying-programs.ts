import { chmod, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from '../temporary-folder.ts';

/** How a `pg_dump` of fixtures/bin misbehaves. */
export type Lie = 'half-and-well' | 'whole-and-failed' | 'killed-midway' | 'hangs-midway' | 'warns' | 'outdated';

/**
 * A folder with all programs of another, in which `pg_dump` misbehaves; gone when the test has finished. It needs nothing
 * of the environment, so that it serves as a folder of the PATH and as a setting.
 */
export async function lyingPrograms(binDir: string, lie: Lie): Promise<string> {
  const folder = await temporaryFolder();
  const honest = (await readdir(binDir)).filter((name) => name !== 'pg_dump');
  for (const name of honest) await symlink(join(binDir, name), join(folder, name));
  const liar = fileURLToPath(new URL(`../../../fixtures/bin/${lie}/pg_dump`, import.meta.url));
  const script = `#!/bin/sh\nDBOPS_TEST_REAL='${binDir}' exec '${liar}' "$@"\n`;
  await writeFile(join(folder, 'pg_dump'), script);
  await chmod(join(folder, 'pg_dump'), 0o755);
  return folder;
}
