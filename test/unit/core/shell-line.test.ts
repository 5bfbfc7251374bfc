import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { shellLine } from '../../../src/core/shell-line.ts';

test('words for a shell are what the shell makes of them', () => {
  const words = ['plain', 'a b', "it's", '"', '$HOME', '`id`', '\\', '*', 'two\nlines', '', '!', '#x', '~', 'ü', '-c'];
  const line = shellLine(['printf', String.raw`%s\0`, ...words]);
  expect(execFileSync('sh', ['-c', line], { encoding: 'utf8' }).split('\0').slice(0, -1)).toEqual(words);
});
