import { expect, test } from 'vitest';
import { formatName, parseName } from '../../../../src/core/sql/names.ts';

test.each([
  ['users', ['users'], 'users'],
  ['Public.Users', ['public', 'users'], 'public.users'],
  ['"Users"', ['Users'], '"Users"'],
  ['"we ird"."ta""b\n\\! x"', ['we ird', 'ta"b\n\\! x'], '"we ird"."ta""b\n\\! x"'],
  ['"größe"', ['größe'], '"größe"'],
  ['größe', ['größe'], '"größe"'],
  ['U&"d\\0061t\\+000061"', ['data'], 'data'],
  ['"a.b".c$1', ['a.b', 'c$1'], '"a.b".c$1'],
])('%j is the name %j', (text, name, formatted) => {
  expect(parseName(text)).toEqual(name);
  expect(formatName(name)).toBe(formatted);
  expect(parseName(formatted)).toEqual(name);
});

test.each(['', ' ', '.', 'a.', '.a', 'a b', "'a'", '"a', 'a;'])('%j is no name', (text) => {
  expect(parseName(text)).toBeUndefined();
});
