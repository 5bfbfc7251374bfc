import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { shellLine } from '../../../../../src/core/shell-line.ts';
import { keptName } from '../../../../../src/engines/postgres/restore/promote.ts';
import { nameWith } from '../../../../../src/engines/postgres/restore/side-database.ts';
import { usersOf } from '../../../../../src/engines/postgres/restore/users.ts';

test('words for a shell are what the shell makes of them', () => {
  const words = ['plain', 'a b', "it's", '"', '$HOME', '`id`', '\\', '*', 'two\nlines', '', '!', '#x', '~', 'ü', '-c'];
  const line = shellLine(['printf', String.raw`%s\0`, ...words]);
  expect(execFileSync('sh', ['-c', line], { encoding: 'utf8' }).split('\0').slice(0, -1)).toEqual(words);
});

describe('a name beside another', () => {
  test('is both where they fit', () => {
    expect(keptName('shop', '20261120T020000Z')).toBe('shop_pre_restore_20261120t020000z');
  });

  test.each(['x'.repeat(63), 'ü'.repeat(31), '😀'.repeat(15), `${'x'.repeat(29)}😀${'x'.repeat(20)}`])(
    'of %s never loses its end, nor half a letter, to the 63 bytes that the server keeps',
    (name) => {
      const made = nameWith(name, '_dbops_0123abcd');
      expect(Buffer.byteLength(made)).toBeLessThanOrEqual(63);
      expect(Buffer.byteLength(made)).toBeGreaterThan(59);
      expect(made.endsWith('_dbops_0123abcd')).toBe(true);
      expect(made.isWellFormed()).toBe(true);
      expect(name.startsWith(made.slice(0, -'_dbops_0123abcd'.length))).toBe(true);
    },
  );
});

test('who uses a database is told in words', async () => {
  const rows = [
    { role: 'app', application: 'web', address: '10.0.0.1', connections: '7' },
    { role: 'me', application: '', address: null, connections: '1' },
    { role: null, application: null, address: null, connections: '1' },
  ];
  const said: string[] = [];
  const users = await usersOf(async (sql) => (said.push(sql), rows), "o'shop");
  expect(users).toEqual(['web as app from 10.0.0.1 (7 connections)', 'a program as me', 'a program as nobody']);
  expect(said.join('')).toContain("'o''shop'");
});
