import { cp, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { runDbops } from '../support/run-dbops.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

// One storage for every format version that was ever released, sealed when it was: none may ever be changed.
const released = fileURLToPath(new URL('../../fixtures/backups', import.meta.url));

describe.each(await readdir(released))('C9: a storage of %s', (version) => {
  test('is listed, proven by restoring every backup, and restored', async () => {
    const cwd = await temporaryFolder();
    await cp(join(released, version), join(cwd, 'backups'), { recursive: true });
    const list = await runDbops(['list', '--json'], { cwd });
    const { backups, broken } = list.json() as {
      backups: readonly { id: string; pinned: boolean }[];
      broken: unknown[];
    };
    expect(broken).toEqual([]);
    expect(backups.map(({ pinned }) => pinned)).toEqual([false, true, true]);

    const verified = await runDbops(['verify', '--all', '--level', 'restore', '--json'], { cwd });
    expect(verified.exitCode, verified.stdout).toBe(0);

    for (const { id } of backups) {
      const into = join(cwd, `${id}.db`);
      const restored = await runDbops(['restore', id, '--into', into], { cwd });
      expect(restored.exitCode, restored.stderr).toBe(0);
      expect(usersIn(into)).toEqual(['Ada', 'Grace', "O'Neil"]);
    }
  });
});

function usersIn(file: string): unknown[] {
  const db = new Database(file, { readonly: true });
  try {
    return db.prepare('SELECT name FROM users ORDER BY id').pluck().all();
  } finally {
    db.close();
  }
}
