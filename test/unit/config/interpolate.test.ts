import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { interpolate, isSecret, readVariable } from '../../../src/config/interpolate.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const env = { A: 'one', EMPTY: '', DB_PASSWORD: 'hunter2', A_b9: 'mixed' };

test.each([
  ['${A}', 'one'],
  ['x${A}y${A}', 'xoneyone'],
  ['${A_b9}', 'mixed'],
  ['${NONE:-default}', 'default'],
  ['${EMPTY:-default}', 'default'],
  ['${NONE:-}', ''],
  ['${A:-default}', 'one'],
  ['$${A}', '${A}'],
  ['$A costs $5 {A}', '$A costs $5 {A}'],
  ['${}', '${}'],
  ['${9A}', '${9A}'],
])('%j becomes %j', (text, expected) => {
  expect(interpolate({ key: text }, env)).toEqual({ value: { key: expected }, problems: [], secrets: [] });
});

test('a value is not looked at again: what the environment holds stays as it is', () => {
  expect(interpolate(['${X}'], { X: '${A}', A: 'no' }).value).toEqual(['${A}']);
});

test('only strings change, wherever they stand, and keys never', () => {
  const document = { '${A}': ['${A}', 1, true, null, { deep: '${A}' }] };
  expect(interpolate(document, env).value).toEqual({ '${A}': ['one', 1, true, null, { deep: 'one' }] });
});

test('what is not set is told with its place', () => {
  const { problems } = interpolate({ targets: { app: { checks: [{ sql: '${NO}' }] } }, list: ['${EMPTY}'] }, env);
  expect(problems).toEqual([
    'targets.app.checks[0].sql: the variable NO is not set',
    'list[0]: the variable EMPTY is not set',
  ]);
  expect(interpolate('${NO}', env).problems).toEqual(['the document: the variable NO is not set']);
});

test.each(['constructor', 'toString', '__proto__'])('%s is no variable', (name) => {
  expect(interpolate(`\${${name}}`, { ...env }).problems).toEqual([`the document: the variable ${name} is not set`]);
});

test('K2: values of variables with a secret name are known as secrets', () => {
  expect(interpolate({ a: '${DB_PASSWORD}', b: '${A}' }, env).secrets).toEqual(['hunter2']);
});

describe('NAME_FILE', () => {
  test('it names a file with the value, without its final newline', async () => {
    const file = join(await temporaryFolder(), 'secret');
    await writeFile(file, 'first\nsecond\r\n');
    expect(readVariable('TOKEN', { TOKEN_FILE: file })).toEqual({ value: 'first\nsecond' });
    expect(interpolate('${TOKEN}', { TOKEN_FILE: file })).toMatchObject({
      value: 'first\nsecond',
      secrets: ['first\nsecond'],
    });
  });

  test('the variable itself goes before it', () => {
    expect(readVariable('TOKEN', { TOKEN: 'x', TOKEN_FILE: '/absent' })).toEqual({ value: 'x' });
  });

  test('a file that cannot be read is one problem, not two', async () => {
    const file = join(await temporaryFolder(), 'absent');
    const { problems } = interpolate({ a: '${TOKEN}' }, { TOKEN_FILE: file });
    expect(problems).toEqual([expect.stringMatching(/^a: TOKEN_FILE names a file that cannot be read: ENOENT/)]);
  });
});

test.each([
  ['DB_PASSWORD', true],
  ['pgpass', true],
  ['AWS_SECRET_ACCESS_KEY', true],
  ['DATABASE_URL', true],
  ['url', true],
  ['GITHUB_TOKEN', true],
  ['HOME', false],
  ['CURLOPTS', false],
])('%s holds a secret: %s', (name, expected) => {
  expect(isSecret(name, 'postgres://me:x@db')).toBe(expected);
});

test('a database that is named by its path is no secret, and may be printed', () => {
  expect(isSecret('DATABASE_URL', '/srv/app.db')).toBe(false);
  expect(isSecret('DATABASE_URL', 'sqlite:app.db')).toBe(false);
  expect(isSecret('DB_PASSWORD', '/srv/app.db')).toBe(true);
});

test('a path that holds a secret is none, and may be printed; a secret in the place of a path is one', () => {
  for (const path of ['/run/secrets/key', './key', '../key']) {
    expect(isSecret('AWS_SECRET_ACCESS_KEY_FILE', path)).toBe(false);
  }
  expect(isSecret('AWS_SECRET_ACCESS_KEY_FILE', 'wJalrXUtnFEMI/K7MDENG/bPxRfiCY')).toBe(true);
  expect(isSecret('AWS_SECRET_ACCESS_KEY', '/JalrXUtnFEMI/K7MDENG/bPxRfiCY')).toBe(true);
});
