import type { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { programForLooking, runWithoutWorld } from '../../support/fake-host.ts';

function allCommands(command: Command = programForLooking(), path = ''): [path: string, command: Command][] {
  return command.commands.flatMap((child): [string, Command][] => {
    const name = `${path} ${child.name()}`.trim();
    return [[name, child], ...allCommands(child, name)];
  });
}

const leaves = allCommands().filter(([, command]) => command.commands.length === 0 && command.name() !== 'help');

describe('every command', () => {
  test.each(leaves.map(([path]) => path))('%s --help exits 0, says what it does and shows examples', async (path) => {
    const { exitCode, stdout, stderr } = await runWithoutWorld(...path.split(' '), '--help');
    expect([exitCode, stderr]).toEqual([0, '']);
    expect(stdout).toContain(`Usage: dbops ${path}`);
    expect(stdout).toMatch(/\nExamples:\n {2}dbops /);
    expect(stdout).toContain('--json');
  });

  test.each(leaves.map(([path]) => path))(
    'every example of %s is a command line that its parser takes',
    async (path) => {
      const { stdout } = await runWithoutWorld(...path.split(' '), '--help');
      const lines = (stdout.split('Examples:\n')[1] ?? '').split('\n').filter((line) => line.startsWith('  dbops '));
      expect(lines.length).toBeGreaterThan(0);
      for (const line of lines) {
        const words = wordsOf(
          line
            .replace(/\s+# .*$/, '')
            .replace(/ [>|&].*$/, '')
            .replace(/^\s*dbops /, ''),
        );
        const { exitCode, stderr } = await runWithoutWorld(...words);
        expect([line, exitCode === 2 ? stderr : '']).toEqual([line, '']);
      }
    },
  );

  test.each(leaves.map(([path]) => path))('%s refuses an option that it does not have, and exits 2', async (path) => {
    const { exitCode, stderr } = await runWithoutWorld(...path.split(' '), '--no-such-option');
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/^error: .*--no-such-option.*\nhint: /);
  });
});

/** Splits as a shell does, as far as the examples need it. */
function wordsOf(line: string): string[] {
  return [...line.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(
    ([, single, double, bare]) => single ?? double ?? bare ?? '',
  );
}

describe('values that no command takes', () => {
  test.each([
    [['backup', 'a.db', '--retention-days', '0']],
    [['backup', 'a.db', '--retention-days', '1.5']],
    [['backup', 'a.db', '--retention-days', '-3']],
    [['backup', 'a.db', '--verify', 'everything']],
    [['verify', '--level', 'deep']],
    [['prune', '--lock-wait', '5']],
    [['prune', '--lock-wait', '']],
    [['show', '--at', 'yesterday']],
    [['show', '--at', '2026-13-01']],
    [['show', '--at', '20261120']],
    [['list', '--log-level', 'loud']],
    [['completion', 'tcsh']],
    [['completion']],
    [['no-such-command']],
    [['backup', 'a.db', '--storage']],
    [['prune', 'stray-argument']],
  ])('%j exits 2 with a hint, and writes nothing to stdout', async (argv) => {
    const { exitCode, stdout, stderr } = await runWithoutWorld(...argv);
    expect([exitCode, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^error: .+\nhint: .+\n$/);
  });

  test('with --json the error is a document on stdout as well', async () => {
    const { exitCode, stdout } = await runWithoutWorld('prune', '--lock-wait', '5', '--json');
    expect(exitCode).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({
      ok: false,
      exitCode: 2,
      error: { code: 'USAGE', hint: expect.any(String) },
    });
  });
});

test('the version and the help go to stdout and exit 0', async () => {
  expect(await runWithoutWorld('--version')).toEqual({ exitCode: 0, stdout: '1.2.3\n', stderr: '' });
  expect(await runWithoutWorld('-V')).toMatchObject({ exitCode: 0, stdout: '1.2.3\n' });
  expect(await runWithoutWorld('--help')).toMatchObject({ exitCode: 0, stderr: '' });
});

test('no command at all is a usage error', async () => {
  expect(await runWithoutWorld()).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('dbops --help') });
});

test('what is no error of ours is told as a bug, with its stack, and exits 1', async () => {
  const { exitCode, stderr } = await runWithoutWorld('list');
  expect(exitCode).toBe(1);
  expect(stderr).toMatch(/^internal error, please report it: Error: no world here\n\s+at /);
});
