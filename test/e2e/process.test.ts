import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { catalogOf } from '../support/operations.ts';
import { binary } from '../support/run-dbops.ts';
import { makeDatabase } from '../support/small-database.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

// `/dev/full` fails every write as a full disk does.

describe('a full disk under the output', () => {
  test.each([
    ['stderr', 'backup app.db 2>/dev/full'],
    ['a log on stderr', 'backup app.db --log-level debug 2>/dev/full'],
    ['the log file', 'backup app.db --log-file /dev/full --log-level debug'],
  ])('%s does not cost the backup', async (_title, command) => {
    const cwd = await place();
    const { status, stdout, stderr } = inShell(`dbops ${command}`, cwd);
    expect([status, stdout]).toEqual([0, expect.stringMatching(/^app: \S+ /)]);
    expect((await catalogOf(join(cwd, 'backups'))).backups).toHaveLength(1);
    expect(stderr).not.toContain('internal error');
    const warnings = stderr.match(/^warning: the log file \/dev\/full cannot be written: .*$/gm) ?? [];
    expect(warnings).toHaveLength(command.includes('--log-file') ? 1 : 0);
  });

  test.each(['', ' --json'])('stdout%s makes the command fail at its end, with exit 5', async (flag) => {
    const cwd = await place();
    const { status, stderr } = inShell(`dbops backup app.db${flag} >/dev/full`, cwd);
    expect(stderr).toMatch(/^error: the result cannot be written to stdout: ENOSPC.*\nhint: .*\n$/m);
    expect(status).toBe(5);
    expect((await catalogOf(join(cwd, 'backups'))).backups).toHaveLength(1);
  });
});

test('a reader of the log that goes away does not cost the backup', async () => {
  const cwd = await place();
  const { status } = inShell('set -o pipefail; dbops backup app.db --log-level debug 2>&1 >/dev/null | head -c 1', cwd);
  expect(status).toBe(0);
  expect((await catalogOf(join(cwd, 'backups'))).backups).toHaveLength(1);
});

test('a working directory that was removed is told as such', async () => {
  const cwd = await temporaryFolder();
  const { status, stderr } = inShell('mkdir gone && cd gone && rmdir ../gone && dbops list', cwd);
  expect(stderr).toMatch(/^error: the working directory cannot be used: .*\nhint: /);
  expect(status).toBe(2);
});

/** Runs a line of bash in which `dbops` is the built binary. */
function inShell(line: string, cwd: string): { status: number | null; stdout: string; stderr: string } {
  const script = `dbops() { '${process.execPath}' '${binary}' "$@"; }; ${line}`;
  return spawnSync('bash', ['-c', script], { cwd, env: { PATH: '/usr/bin:/bin', HOME: cwd }, encoding: 'utf8' });
}

async function place(): Promise<string> {
  const cwd = await temporaryFolder();
  makeDatabase(join(cwd, 'app.db'), { mark: 'm', rows: 20, filling: 20 });
  return cwd;
}
