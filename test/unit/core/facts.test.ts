import { expect, test } from 'vitest';
import { compareFacts, type Facts } from '../../../src/core/facts.ts';

const digest = (letter: string): string => letter.repeat(32);
const facts: Facts = {
  schema: digest('a'),
  tables: [
    { name: 'users', rows: 2, content: digest('b') },
    { name: 'odd "name"\n', rows: 1 },
    { name: 'virtual', rows: null },
  ],
  properties: { user_version: 7, encoding: 'UTF-8', constructor: 'x' },
};

const changed = (change: Partial<Facts>): Facts => ({ ...facts, ...change });
const withTables = (...tables: Facts['tables']): Facts => changed({ tables });
const [users, odd, virtual] = facts.tables as [Facts['tables'][0], Facts['tables'][0], Facts['tables'][0]];

test('equal facts do not differ, in whatever order the tables come', () => {
  expect(compareFacts(facts, facts)).toEqual([]);
  expect(compareFacts(facts, withTables(virtual, odd, users))).toEqual([]);
});

test.each<[string, Facts, string[]]>([
  ['another schema', changed({ schema: digest('f') }), ['the schema differs from the one that was backed up']],
  ['a table that is missing', withTables(users, virtual), [String.raw`table "odd \"name\"\n" is missing`]],
  [
    'a table that was not there',
    withTables(users, odd, virtual, { name: 'new', rows: 0 }),
    ['table "new" was not there'],
  ],
  ['one row less', withTables({ ...users, rows: 1 }, odd, virtual), ['table "users" has 1 row, had 2 rows']],
  [
    'rows that cannot be counted',
    withTables({ ...users, rows: null }, odd, virtual),
    ['table "users" has no countable rows, had 2 rows'],
  ],
  [
    'rows that could not be counted',
    withTables(users, odd, { ...virtual, rows: 0 }),
    ['table "virtual" has 0 rows, had no countable rows'],
  ],
  [
    'other content',
    withTables({ ...users, content: digest('c') }, odd, virtual),
    ['table "users" has other content than what was backed up'],
  ],
  [
    'content that is gone',
    withTables({ name: 'users', rows: 2 }, odd, virtual),
    ['table "users" has other content than what was backed up'],
  ],
  ['another property', changed({ properties: { ...facts.properties, user_version: 8 } }), ['user_version is 8, was 7']],
  [
    'a property of another type',
    changed({ properties: { ...facts.properties, user_version: '7' } }),
    ['user_version is "7", was 7'],
  ],
  [
    'properties that are missing',
    changed({ properties: { user_version: 7, encoding: 'UTF-8' } }),
    ['constructor is missing, was "x"'],
  ],
])('%s is told', (_, found, differences) => {
  expect(compareFacts(facts, found)).toEqual(differences);
});

test('everything that differs is told at once', () => {
  const found: Facts = { schema: digest('f'), tables: [], properties: {} };
  expect(compareFacts(facts, found)).toHaveLength(1 + 3 + 3);
});

test('content that was not recorded is not compared', () => {
  expect(compareFacts(withTables(odd), withTables({ ...odd, content: digest('9') }))).toEqual([]);
});
