import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runDbops } from '../support/run-dbops.ts';
import { makeDatabase } from '../support/small-database.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { treeOf } from '../support/tree.ts';

test('prune of a target or a storage that is not there fails with exit 10, names it, and makes nothing', async () => {
  const cwd = await temporaryFolder();
  makeDatabase(join(cwd, 'app.db'), { mark: 'm' });
  expect((await runDbops(['backup', 'app.db'], { cwd })).exitCode).toBe(0);
  const before = treeOf(cwd);
  for (const [args, named] of [
    [['--target', 'typo'], `${cwd}/backups of typo`],
    [['--target', 'typo', '--dry-run'], `${cwd}/backups of typo`],
    [['--storage', './unmounted'], `${cwd}/unmounted, which does not exist`],
    [['--storage', './unmounted', '--target', 'app'], `${cwd}/unmounted, which does not exist`],
  ] as const) {
    const result = await runDbops(['prune', ...args], { cwd });
    expect(result.stderr).toContain(`error: there are no backups in ${named}\nhint: `);
    expect(result.exitCode).toBe(10);
  }
  expect(treeOf(cwd)).toEqual(before);
});

test('list tells an empty storage from one that is not there', async () => {
  const cwd = await temporaryFolder();
  mkdirSync(join(cwd, 'empty'));
  const empty = await runDbops(['list', '--storage', './empty'], { cwd });
  expect([empty.exitCode, empty.stdout]).toEqual([0, `no backups in ${cwd}/empty`]);
  const missing = await runDbops(['list', '--storage', './missing'], { cwd });
  expect([missing.exitCode, missing.stdout]).toEqual([0, `no backups in ${cwd}/missing, which does not exist`]);
});
