import { expect, it } from 'vitest';
import { matches, parsePattern } from '../../../../../src/engines/postgres/facts/name-pattern.ts';

it.each([
  ['Orders', undefined, '^(orders)$'],
  ['"Orders"', undefined, '^(Orders)$'],
  ['o?d*', undefined, '^(o.d.*)$'],
  ['"o?d*"', undefined, String.raw`^(o\?d\*)$`],
  ['a"B.c"D', undefined, String.raw`^(aB\.cd)$`],
  ['s*.t', '^(s.*)$', '^(t)$'],
  ['"quo""te"', undefined, '^(quo"te)$'],
  ['pay$', undefined, String.raw`^(pay\$)$`],
  ['a[]', undefined, String.raw`^(a\[])$`],
  ['a[0-9]', undefined, '^(a[0-9])$'],
  ['É', undefined, '^(É)$'],
])('%s means schema %s, name %s', (pattern, schema, name) => {
  expect(parsePattern(pattern)).toEqual({ schema, name, database: undefined });
});

it('the database is read as it is written', () => {
  expect(parsePattern('"My.db".s.t').database).toBe('My.db');
});

it.each(['a.b.c.d', '"open', 'nul\0'])('%j is refused', (pattern) => {
  expect(() => parsePattern(pattern)).toThrow(expect.objectContaining({ code: 'USAGE' }));
});

it('a quote stays within the literal', () => {
  expect(matches('n', parsePattern("x' OR '").name)).toContain("'^(x'' or '')$'");
});
