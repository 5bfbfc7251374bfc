import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runDbops } from '../support/run-dbops.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

test('a folder is tried out, and nothing of it stays', async () => {
  const cwd = await temporaryFolder();
  const result = await runDbops(['check', 'storage', './backups', '--json'], { cwd });
  expect(result.exitCode).toBe(0);
  const names = ['write', 'read', 'list', 'clock', 'replace', 'conditional write', 'large object', 'broken upload'];
  expect(result.json()).toMatchObject({
    ok: true,
    storage: join(cwd, 'backups'),
    checks: [...names, 'delete', 'rights'].map((name) => ({ name, level: 'fine' })),
  });
  expect(readdirSync(join(cwd, 'backups'))).toEqual([]);
});

test('a folder that cannot be written says why, and nothing else is tried', async () => {
  const cwd = await temporaryFolder();
  writeFileSync(join(cwd, 'backups'), 'a file');
  const result = await runDbops(['check', 'storage', 'backups'], { cwd });
  expect(result.exitCode).toBe(5);
  expect(result.stdout).toMatch(/PROBLEM write: \S+ is not a folder\n {10}Name a folder as the storage\.$/);
  expect(result.stderr).toContain('is not fit for backups: write');
});

test('a place where no folder can be made fails at once instead of trying for ever', async () => {
  const cwd = await temporaryFolder();
  const result = await runDbops(['check', 'storage', '/proc/dbops'], { cwd });
  expect(result.exitCode).toBe(5);
  expect(existsSync('/proc/dbops')).toBe(false);
});
