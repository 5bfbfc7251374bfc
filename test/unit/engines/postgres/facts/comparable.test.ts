import { expect, test } from 'vitest';
import { compareFacts, type Facts } from '../../../../../src/core/facts.ts';
import { comparableOn } from '../../../../../src/engines/postgres/facts/comparable.ts';

const digest = (letter: string): string => letter.repeat(32);

const facts: Facts = {
  schema: digest('a'),
  tables: [{ name: 'public.users', rows: 2, content: digest('b') }],
  properties: {
    encoding: 'UTF8',
    'large objects': '2 (0000)',
    'method of content digests': '53d27554bcb683ac',
    'method of definition digests': 1,
    'definitions of tables': '1 (1234)',
    'views as PostgreSQL 15 prints them': '1 (5678)',
    'sequence public.users_id_seq': '2',
  },
};

const changed = (properties: Facts['properties']): Facts => ({
  ...facts,
  properties: { ...facts.properties, ...properties },
});
const copy = { version: 150_018, dangling: false };

test('facts of this version compare as a whole', () => {
  expect(comparableOn(facts, facts, copy)).toEqual({ facts, warnings: [] });
});

test('another method of definitions is no difference, and is told', () => {
  const older = {
    ...changed({ 'method of definition digests': 0, 'definitions of tables': '1 (old)' }),
    schema: digest('c'),
  };
  const { facts: comparable, warnings } = comparableOn(older, facts, copy);
  expect(compareFacts(comparable, facts)).toEqual([]);
  expect(warnings).toEqual([expect.stringContaining('definitions were not compared')]);
});

test('facts that say nothing of a method were recorded by another one', () => {
  const { 'method of definition digests': _, ...others } = facts.properties;
  const { facts: comparable, warnings } = comparableOn({ ...facts, properties: others }, facts, copy);
  expect([comparable.schema, warnings.length]).toEqual([undefined, 1]);
});

test('rows and sequences are compared all the same', () => {
  const older = changed({ 'method of definition digests': 0, 'method of content digests': 'other' });
  const fewer = { ...changed({ 'sequence public.users_id_seq': '1' }), tables: [{ name: 'public.users', rows: 1 }] };
  const { facts: comparable, warnings } = comparableOn(older, fewer, copy);
  expect(compareFacts(comparable, fewer)).toEqual([
    'table "public.users" has 1 row, had 2 rows',
    'sequence public.users_id_seq is "1", was "2"',
  ]);
  expect(warnings).toHaveLength(2);
});

test('contents that another kind of machine hashed are counted', () => {
  const older = { ...changed({ 'method of content digests': 'other', 'large objects': '2 (ffff)' }) };
  const { facts: comparable, warnings } = comparableOn(older, facts, copy);
  expect(comparable.tables).toEqual([{ name: 'public.users', rows: 2 }]);
  expect(compareFacts(comparable, facts)).toEqual([]);
  expect(warnings).toEqual([expect.stringContaining('contents were counted')]);
});

test('what another major version prints is left out without a word', () => {
  const { facts: comparable, warnings } = comparableOn(facts, facts, { ...copy, version: 170_001 });
  expect(Object.keys(comparable.properties)).not.toContain('views as PostgreSQL 15 prints them');
  expect([comparable.schema, warnings]).toEqual([facts.schema, []]);
});

test('where definitions are known to be missing they are not compared', () => {
  const { facts: comparable, warnings } = comparableOn(facts, facts, { ...copy, dangling: true });
  expect(comparable.schema).toBeUndefined();
  expect(Object.keys(comparable.properties)).not.toContain('definitions of tables');
  expect(warnings).toEqual([]);
});
