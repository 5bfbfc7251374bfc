import { expect, test } from 'vitest';
import { parseTablePattern } from '../../../../../src/engines/postgres/archive/table-pattern.ts';

test.each([
  ['users', 'public', 'users', true],
  ['users', 'audit', 'users', true],
  ['Users', 'public', 'users', true],
  ['Users', 'public', 'Users', false],
  ['"Users"', 'public', 'Users', true],
  ['"Users"', 'public', 'users', false],
  ['public.users', 'public', 'users', true],
  ['public.users', 'audit', 'users', false],
  ['"a.b"."c""d"', 'a.b', 'c"d', true],
  ['users', 'public', 'users2', false],
  ['users', 'public', 'xusers', false],
  ['user*', 'public', 'users2', true],
  ['*.user?', 'audit', 'users', true],
  ['user?', 'public', 'user', false],
  ['"user*"', 'public', 'users', false],
  ['"user*"', 'public', 'user*', true],
  ['a$b', 'public', 'a$b', true],
  ['a+b(c)', 'public', 'a+b(c)', true],
  ['a+b', 'public', 'aab', false],
  ['a*', 'public', 'a\nb', true],
  ['größe', 'public', 'größe', true],
  ['GRÖSSE', 'public', 'grÖsse', true],
  ['"users x"', 'public', 'users x', true],
])('%s and the table %s.%s fit: %s', (text, namespace, table, fits) => {
  expect(parseTablePattern(text).matches(namespace, table)).toBe(fits);
});

test.each(['', '.', 'a.', '.a', 'a.b.c', '"a', 'a"b', '""', 'a."b"c'])('%j is no name of a table', (text) => {
  expect(() => parseTablePattern(text)).toThrow(expect.objectContaining({ code: 'USAGE' }));
});
