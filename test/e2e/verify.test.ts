import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { runDbops } from '../support/run-dbops.ts';
import { makeDatabase } from '../support/small-database.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { treeOf } from '../support/tree.ts';

async function place(): Promise<string> {
  const cwd = await temporaryFolder();
  makeDatabase(join(cwd, 'app.db'), { mark: 'm' });
  return cwd;
}

const recordsIn = (cwd: string): string[] => treeOf(cwd).filter((path) => path.includes('/verify.'));

describe('a verification that says nothing of the backup', () => {
  test.each(['structure', 'restore'])(
    'a broken zstd ends --level %s with exit 4 and leaves no record',
    async (level) => {
      const cwd = await place();
      expect((await runDbops(['backup', 'app.db'], { cwd })).exitCode).toBe(0);
      mkdirSync(join(cwd, 'fake'));
      writeFileSync(join(cwd, 'fake', 'zstd'), '#!/bin/sh\necho "zstd: cannot load a library" >&2\nexit 127\n');
      chmodSync(join(cwd, 'fake', 'zstd'), 0o755);
      const env = { PATH: `${join(cwd, 'fake')}:/usr/bin:/bin` };
      const result = await runDbops(['verify', '--level', level], { cwd, env });
      expect(result.stderr).toMatch(
        /error: .*app\.db\.zst cannot be read: .*cannot load a library.*\nhint: Repair the zstd program/,
      );
      expect(result.exitCode).toBe(4);
      expect(recordsIn(cwd)).toEqual([]);
    },
  );

  test('a check that cannot run ends with exit 6, is named, and leaves the backup good', async () => {
    const cwd = await place();
    const checks = "checks: [{ name: newer, sql: 'SELECT * FROM invoices' }]";
    writeFileSync(join(cwd, 'dbops.yaml'), `targets: { app: { database: ./app.db, ${checks} } }\n`);
    const made = await runDbops(['backup', '--verify', 'restore', '--prune'], { cwd });
    expect(made.stdout).toMatch(/proven: .*\n.*check "newer" COULD NOT RUN: .*invoices/);
    expect(made.stdout).not.toContain('removed by retention');
    expect(made.exitCode).toBe(6);
    const verified = await runDbops(['verify', '--level', 'restore'], { cwd });
    expect(verified.stderr).toMatch(/error: a check could not run: app\//);
    expect(verified.stdout).toMatch(/proven: .*\n.*check "newer" COULD NOT RUN: .*invoices/);
    expect(verified.exitCode).toBe(6);
    const list = await runDbops(['list', '--json'], { cwd });
    expect(list.json()).toMatchObject({ backups: [{ good: true }] });
  });
});
