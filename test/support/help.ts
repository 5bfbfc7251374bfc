import { execFileSync } from 'node:child_process';
import { binary } from './run-dbops.ts';

/** The help of a command such as `config check`, or of the program for `''`. */
export function helpOf(name: string): string {
  const words = name === '' ? [] : name.split(' ');
  return execFileSync(process.execPath, [binary, ...words, '--help'], { encoding: 'utf8' });
}

/** All commands, as the help lists them: `backup`, `config`, `config check` … */
export function commandNames(parent = ''): string[] {
  const [, list = ''] = helpOf(parent).split('\nCommands:\n');
  const names = [...list.matchAll(/^ {2}([a-z]+)/gm)].map(([, name = '']) => name).filter((name) => name !== 'help');
  return names.flatMap((name) => {
    const full = parent === '' ? name : `${parent} ${name}`;
    return [full, ...(parent === '' ? commandNames(full) : [])];
  });
}
