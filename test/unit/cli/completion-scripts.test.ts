import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { bashCompletion, fishCompletion, zshCompletion } from '../../../src/cli/completion-scripts.ts';
import { programForLooking } from '../../support/fake-host.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const run = promisify(execFile);
const program = programForLooking();
const commands = program.commands.map((command) => command.name());

type Complete = (words: readonly string[]) => Promise<string[]>;

const bash: Complete = async (words) => {
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'script'), bashCompletion(program));
  await writeFile(join(folder, 'a-file'), '');
  const code = `set -u; source ./script; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _dbops; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout } = await run('bash', ['--norc', '-c', code, 'bash', ...words], { cwd: folder });
  return linesOf(stdout);
};

const zsh: Complete = async (words) => {
  const folder = await temporaryFolder();
  await writeFile(join(folder, '_dbops'), zshCompletion(program));
  // The shell's own initialisation finds the function; only what shows the words is ours.
  const code = `fpath=($PWD $fpath); autoload -Uz compinit; compinit -D -u
[[ $_comps[dbops] == _dbops ]] || exit 9
_describe() { print -rl -- \${\${(P)2}%%:*} }
words=("$@"); CURRENT=$#; _dbops`;
  const { stdout } = await run('zsh', ['-f', '-c', code, 'zsh', ...words], { cwd: folder });
  const current = words.at(-1) ?? '';
  return linesOf(stdout).filter((word) => word.startsWith(current));
};

const fish: Complete = async (words) => {
  const folder = await temporaryFolder();
  await mkdir(join(folder, 'home'));
  await writeFile(join(folder, 'script'), fishCompletion(program));
  await writeFile(join(folder, 'a-file'), '');
  const env = { HOME: join(folder, 'home'), PATH: '/usr/bin:/bin' };
  const code = `source ./script; complete -C '${words.join(' ')}'`;
  const { stdout } = await run('fish', ['--no-config', '-c', code], { cwd: folder, env });
  return linesOf(stdout).map((line) => line.split('\t')[0] ?? '');
};

function linesOf(text: string): string[] {
  return text.split('\n').filter((line) => line !== '');
}

describe.each([
  ['bash', bash],
  ['zsh', zsh],
  ['fish', fish],
] as const)('in a real %s', (_, complete) => {
  test('every command is offered', async () => {
    expect(await complete(['dbops', ''])).toEqual(expect.arrayContaining(commands));
  });

  test('the beginning of a word narrows it', async () => {
    expect((await complete(['dbops', 'pr'])).toSorted()).toEqual(['prune']);
    expect((await complete(['dbops', 'con'])).toSorted()).toEqual(['config']);
  });

  test('a command offers its own options and the global ones', async () => {
    const options = await complete(['dbops', 'prune', '--']);
    expect(options).toEqual(expect.arrayContaining(['--retention-days', '--dry-run', '--json', '--config']));
    expect(options).not.toContain('--compress');
  });

  test('a command inside a command is offered', async () => {
    expect(await complete(['dbops', 'config', 's'])).toContain('schema');
  });

  test('an option with a fixed set of values offers them', async () => {
    expect(await complete(['dbops', 'verify', '--level', ''])).toEqual(
      expect.arrayContaining(['checksum', 'structure', 'restore']),
    );
  });

  test('an argument with a fixed set of values offers them', async () => {
    expect(await complete(['dbops', 'completion', ''])).toEqual(expect.arrayContaining(['bash', 'zsh', 'fish']));
  });
});

test('bash and fish offer files where a database is named', async () => {
  expect(await bash(['dbops', 'backup', 'a-f'])).toEqual(['a-file']);
  expect(await fish(['dbops', 'backup', 'a-f'])).toEqual(['a-file']);
});
