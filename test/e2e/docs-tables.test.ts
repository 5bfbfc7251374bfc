import { expect, test } from 'vitest';
import { configJsonSchema } from '../../src/config/schema.ts';
import { EXIT_CODES } from '../../src/core/errors.ts';
import { defaultPolicy } from '../../src/core/retention.ts';
import { helpOf } from '../support/help.ts';
import { fencesOf, readProjectFile, tableOf } from '../support/markdown.ts';

test('the usage in README.md is what --help prints', () => {
  const readme = readProjectFile('README.md');
  const usage = fencesOf(readme).find(({ language, text }) => language === 'text' && text.startsWith('Usage:'));
  expect(usage?.text).toBe(helpOf(''));
});

test('.ci/run does what README.md says passes the tests, and nothing else', () => {
  const installsAndTests = 'npm ci && npm test';
  expect(fencesOf(readProjectFile('README.md')).map(({ text }) => text.trim())).toContain(installsAndTests);
  const commands = readProjectFile('.ci/run').match(/^[^#\n]*\bnpm\b.*$/gm);
  expect(commands).toEqual([`(${installsAndTests}) 2>&1 | tee "$log"`]);
});

test('output.md has every exit code with all its names', () => {
  const rows = tableOf(readProjectFile('docs/output.md'), 'code');
  const told = rows.flatMap(([code, , names = '']) =>
    [...names.matchAll(/`(\w+)`/g)].map(([, name = '']) => [name, Number(code)]),
  );
  expect(Object.fromEntries(told)).toEqual(EXIT_CODES);
});

test('configuration.md has every key of the schema, and no other', () => {
  const keys = tableOf(readProjectFile('docs/configuration.md'), 'key').map(([key = '']) => key.replaceAll('`', ''));
  expect(keys.toSorted()).toEqual(keysOf(configJsonSchema()).toSorted());
});

test('configuration.md has the default age limits', () => {
  const rows = tableOf(readProjectFile('docs/configuration.md'), 'class');
  const told = Object.fromEntries(rows.map(([name = '', limit]) => [name.replaceAll('`', ''), limit]));
  expect(told).toEqual(defaultPolicy.classes);
});

test('config.schema.json is what `dbops config schema` prints', () => {
  expect(JSON.parse(readProjectFile('docs/config.schema.json'))).toEqual(configJsonSchema());
});

interface Schema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
}

/** The keys as the table names them; retention of a target or a storage has the keys of the general one, told once. */
function keysOf(schema: Schema, path = ''): string[] {
  const below = (name: string): string => (path === '' ? name : `${path}.${name}`);
  const { properties, additionalProperties, items, anyOf } = schema;
  if (path.endsWith('.encryption')) return [path];
  const long = anyOf?.find((choice) => choice.properties !== undefined);
  if (long !== undefined) return keysOf(long, path);
  if (items !== undefined) return items.properties === undefined ? [path] : [path, ...keysOf(items, `${path}[]`)];
  if (/\.retention$|^retention\.classes$/.test(path)) return [path];
  if (typeof additionalProperties === 'object') return keysOf(additionalProperties, below('<name>'));
  if (properties === undefined) return [path];
  const own = path === '' || path === 'retention' || path.endsWith('[]') ? [] : [path];
  return [...own, ...Object.entries(properties).flatMap(([name, child]) => keysOf(child, below(name)))];
}
