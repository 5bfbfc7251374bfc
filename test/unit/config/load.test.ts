import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Environment } from '../../../src/config/interpolate.ts';
import { findConfig, loadConfig, type LoadedConfig } from '../../../src/config/load.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

async function load(text: string, env: Environment = {}, name = 'dbops.yaml'): Promise<LoadedConfig> {
  const path = join(await temporaryFolder(), name);
  await writeFile(path, text);
  return loadConfig(path, env);
}

/** The lines of the error about a configuration that is wrong. */
async function problemsOf(text: string, env: Environment = {}): Promise<string[]> {
  const error = await load(text, env).then(
    () => undefined,
    (failure: unknown) => failure,
  );
  expect(error).toMatchObject({
    name: 'DbopsError',
    code: 'CONFIG_INVALID',
    hint: expect.stringContaining('config check'),
  });
  return (error as Error).message
    .split('\n')
    .slice(1)
    .map((line) => line.trim());
}

describe('what is right', () => {
  test('every key of the schema is understood', async () => {
    const { config, folder, path } = await load(`
$schema: ./config.schema.json
storages: { local: ./backups }
storage: local
compress: zstd:19
verify: restore
lockWait: 10m
scratchDir: /var/tmp
retention: { last: 3, hourly: 1, daily: 7, weekly: 4, monthly: 12, yearly: 10, within: 48h, classes: { hot: 2d, pre-deploy: forever } }
targets:
  app:
    database: sqlite:app.db
    storage: ./elsewhere
    class: daily
    compress: none
    facts: content
    protected: true
    lockTimeout: 5s
    checks: [{ name: sums, sql: SELECT 1 WHERE 0 }]
    retention: { last: 1 }
`);
    expect(config.targets?.['app']).toMatchObject({ database: 'sqlite:app.db', protected: true });
    expect(config.retention?.classes).toEqual({ hot: '2d', 'pre-deploy': 'forever' });
    expect(path).toBe(join(folder, 'dbops.yaml'));
  });

  test('JSON is a configuration too, and so is an empty file', async () => {
    expect((await load('{"storage": "./x"}', {}, 'dbops.json')).config).toEqual({ storage: './x' });
    expect((await load('')).config).toEqual({});
    expect((await load('# nothing yet\n')).config).toEqual({});
  });

  test('a value from the environment cannot change the structure of the document', async () => {
    const env = { DB: 'x.db\n    protected: true\n  evil: {database: y}', N: '3' };
    const { config } = await load('targets:\n  app:\n    database: ${DB}\n', env);
    expect(config.targets).toEqual({ app: { database: env.DB } });
  });
});

describe('what is wrong', () => {
  test('every problem is told at once, each with its place', async () => {
    const text = `
storage: nowhere
compres: zstd
verify: everything
lockWait: 10
targets:
  Bad Name: { database: x.db }
  app:
    database: ''
    compress: zstd:20
    retention: { daily: 0, fortnightly: 2, within: soon }
    checks: [{ name: a }]
`;
    const problems = await problemsOf(text);
    for (const place of [
      'compres',
      'verify: ',
      'lockWait: ',
      'targets.Bad Name: ',
      'targets.app.database: ',
      'targets.app.compress: ',
      'targets.app.retention.daily: ',
      'fortnightly',
      'targets.app.retention.within: ',
      'targets.app.checks.0.sql: ',
    ]) {
      expect(problems.join('\n')).toContain(place);
    }
  });

  test('variables that are not set are told together with everything else', async () => {
    const problems = await problemsOf('storage: ${A}\nscratchDir: "${B}/x"\ncompress: no\n');
    expect(problems).toContain('storage: the variable A is not set');
    expect(problems).toContain('scratchDir: the variable B is not set');
    expect(problems.join('\n')).toContain('compress: ');
  });

  test('a storage that is used and never named is told, and so is what a folder of that name needs', async () => {
    const problems = await problemsOf(
      'storage: nas\nstorages: {local: ./b}\ntargets: {app: {database: a.db, storage: tape}}\n',
    );
    expect(problems).toEqual([
      'storage: no storage is called nas; write ./nas for a folder of that name',
      'targets.app.storage: no storage is called tape; write ./tape for a folder of that name',
    ]);
  });

  test('a storage called as something that every object has is not there', async () => {
    expect(await problemsOf('storage: constructor\nstorages: {local: ./b}\n')).toHaveLength(1);
  });

  test.each([
    ['a key that occurs twice', 'storage: ./a\nstorage: ./b\n'],
    ['a key that occurs twice in JSON', '{"storage": "./a", "storage": "./b"}'],
    ['broken YAML', 'storage: [unclosed\n'],
    ['tabs for indentation', 'targets:\n\tapp: {}\n'],
    ['two documents', 'storage: ./a\n---\nstorage: ./b\n'],
    ['a list', '- a\n'],
    ['a word', 'hello\n'],
    ['an alias to nothing', 'storage: *none\n'],
    ['a key called __proto__', '__proto__: {storage: ./a}\n'],
    ['a merge key', 'storages: &a {x: ./b}\nretention:\n  <<: *a\n'],
  ])('%s is a problem of the configuration, and no bug', async (_, text) => {
    expect((await problemsOf(text)).length).toBeGreaterThan(0);
  });

  test('D3: a bomb of aliases is refused at once', async () => {
    const levels = Array.from({ length: 20 }, (_, n) => `l${n + 1}: &l${n + 1} [${`*l${n},`.repeat(9)}]`);
    const started = performance.now();
    expect(await problemsOf(`l0: &l0 [x]\n${levels.join('\n')}\n`)).toHaveLength(1);
    expect(performance.now() - started).toBeLessThan(5_000);
  });

  test('a file that is not there, or a folder, is named', async () => {
    const folder = await temporaryFolder();
    for (const path of [folder, join(folder, 'absent.yaml')]) {
      expect(() => loadConfig(path, {})).toThrow(
        expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining(path) }),
      );
    }
  });
});

describe('finding it', () => {
  test('the nearest folder upward wins, and .yaml before .yml before .json', async () => {
    const root = await temporaryFolder();
    const deep = join(root, 'a', 'b');
    await mkdir(deep, { recursive: true });
    await writeFile(join(root, 'dbops.yaml'), '');
    expect(findConfig(deep)).toBe(join(root, 'dbops.yaml'));
    for (const name of ['dbops.json', 'dbops.yml', 'dbops.yaml']) {
      await writeFile(join(root, 'a', name), '');
      expect(findConfig(deep)).toBe(join(root, 'a', name));
    }
  });
});
