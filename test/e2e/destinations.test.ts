import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runDbops } from '../support/run-dbops.ts';
import { makeDatabase } from '../support/small-database.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const config = `
storages:
  near: ./near
  far: { url: ./far, retention: { classes: { daily: 1d } } }
targets:
  app: { database: app.db, class: daily, storages: [near, far] }
`;

async function place(file = config): Promise<string> {
  const cwd = await temporaryFolder();
  makeDatabase(join(cwd, 'app.db'), { mark: 'm', rows: 200, filling: 200 });
  writeFileSync(join(cwd, 'dbops.yaml'), file);
  return cwd;
}

interface Document {
  readonly backups: readonly { readonly storage: string; readonly id?: string; readonly removed?: readonly string[] }[];
}

test('a configured target goes into all of its storages, each proven there, and each says so', async () => {
  const cwd = await place();
  const result = await runDbops(['backup', '--verify', 'restore'], { cwd });
  expect(result.exitCode).toBe(0);
  expect(result.stdout).toMatch(/^app: \S+ .*near\n {2}proven: .*\napp: \S+ .*far\n {2}proven: /);
  const manifests = ['near', 'far'].map((folder) => {
    const id = readdirSync(join(cwd, folder, 'app')).find((name) => name.startsWith('2')) ?? '';
    return readFileSync(join(cwd, folder, 'app', id, 'manifest.json'), 'utf8');
  });
  expect(manifests[1]).toBe(manifests[0]);
});

test('one storage that cannot be written is said and gives its code; the other has the backup', async () => {
  const cwd = await place();
  writeFileSync(join(cwd, 'far'), 'a file');
  const result = await runDbops(['backup', '--json'], { cwd });
  expect(result.exitCode).toBe(5);
  expect(result.json()).toMatchObject({
    ok: false,
    exitCode: 5,
    backups: [
      { target: 'app', storage: join(cwd, 'near'), manifest: { target: 'app' } },
      { target: 'app', storage: join(cwd, 'far'), error: { code: 'STORAGE_FAILED' } },
    ],
  });
  expect(result.stderr).toMatch(/far gets no backup: /);
  const people = await runDbops(['backup', '--quiet'], { cwd });
  expect(people.stdout).toMatch(/^app: \S+ .*near\napp: {2}\S+far FAILED: /);
  expect(people.stderr).toMatch(/1 of 2 backups failed: app in \S+far/);
});

test('each storage is pruned by its own rules', async () => {
  const cwd = await place();
  expect((await runDbops(['backup'], { cwd })).exitCode).toBe(0);
  const result = await runDbops(['prune', '--storage', 'far', '--dry-run', '--json'], { cwd });
  expect(result.json()).toMatchObject({
    targets: [{ verdicts: [{ reasons: ['newest good backup', 'class daily within 1d'] }] }],
  });
  const near = await runDbops(['prune', '--storage', 'near', '--dry-run', '--json'], { cwd });
  expect(near.json()).toMatchObject({
    targets: [{ verdicts: [{ reasons: ['newest good backup', 'class daily within 30d'] }] }],
  });
});

test('prune takes all storages of the configuration, and one that fails does not keep the others', async () => {
  const cwd = await place(config.replace('targets:', 'storage: [near, far]\ntargets:'));
  expect((await runDbops(['backup'], { cwd })).exitCode).toBe(0);
  const both = await runDbops(['prune', '--json'], { cwd });
  expect(both.json()).toMatchObject({
    ok: true,
    targets: ['near', 'far'].map((name) => ({ storage: join(cwd, name) })),
  });
  rmSync(join(cwd, 'near'), { recursive: true });
  const one = await runDbops(['prune', '--json'], { cwd });
  expect(one.exitCode).toBe(10);
  expect(one.json()).toMatchObject({
    ok: false,
    targets: [{ storage: join(cwd, 'far') }],
    errors: [{ storage: join(cwd, 'near'), error: { code: 'NOTHING_MATCHES' } }],
  });
  expect((await runDbops(['prune'], { cwd })).stderr).toContain('1 of 2 storages were not pruned');
});

test('--storage is repeated for several places, and takes nothing else along', async () => {
  const cwd = await place('targets: {}');
  const result = await runDbops(['backup', '--storage', 'one', '--storage', 'two', 'app.db', '--json'], { cwd });
  expect(result.exitCode).toBe(0);
  const { backups } = result.json() as Document;
  expect(backups.map(({ storage }) => storage)).toEqual([join(cwd, 'one'), join(cwd, 'two')]);
  expect(new Set(backups.map(({ id }) => id)).size).toBe(1);
});

test('a storage that finds nothing names the others, and a list says what it leaves out', async () => {
  const cwd = await place(config.replace('targets:', 'storage: [near, far]\ntargets:'));
  const nothing = await runDbops(['restore', '--into', 'x.db'], { cwd });
  expect(nothing.exitCode).toBe(10);
  expect(nothing.stderr).toMatch(
    /no backup matches latest in \S+near\nhint: Look into another storage: --storage \.\/far\./,
  );
  expect((await runDbops(['list'], { cwd })).stdout).toContain('not listed: --storage ./far');
  const named = await runDbops(['restore', '--into', 'x.db', '--storage', 'near'], { cwd });
  expect(named.stderr).not.toContain('another storage');
});

test('a configured storage keeps its rules by whatever way it is named', async () => {
  const cwd = await place();
  expect((await runDbops(['backup'], { cwd })).exitCode).toBe(0);
  for (const way of ['far', './far', 'far/', join(cwd, 'far'), `file://${join(cwd, 'far')}`]) {
    const result = await runDbops(['prune', '--storage', way, '--dry-run'], { cwd });
    expect(result.stdout, way).toContain('class daily within 1d');
  }
});

test('one place that is named twice is refused, and nothing is written', async () => {
  const cwd = await place('targets: {}');
  const result = await runDbops(['backup', '--storage', 'one', '--storage', './one/', 'app.db'], { cwd });
  expect(result.exitCode).toBe(2);
  expect(result.stderr).toContain('is named twice');
  expect(existsSync(join(cwd, 'one'))).toBe(false);
});

test.each([
  [
    'storages: { a: ./a }\ntargets: { app: { database: app.db, storages: [a, b] } }',
    'targets.app.storages: no storage is called b',
  ],
  [
    'targets: { app: { database: app.db, storage: ./a, storages: [./b] } }',
    'targets.app: storage and storages exclude each other',
  ],
  ['storages: { a: { url: ./a, limitRate: fast } }', 'storages.a'],
  ['storages: { a: { url: ./a, colour: red } }', 'storages.a'],
  ['storages: { a: { url: ./a, region: x } }', 'storages.a: the storage ./a is a folder, which has no region'],
  ['storages: { a: { url: "s3://b-b", lockMode: compliance } }', 'storages.a: a storage has a lockMode and no lock'],
  ['storages: { a: { url: "s3://b-b", accessKeyId: x } }', 'storages.a: a storage has half of its credentials'],
  ['storages: { a: { url: "s3://b-b", endpoint: "http://store.example" } }', 'is not encrypted'],
  ['storages: { a: { url: "s3://key:secret@b-b" } }', 'storages.a: the address of a bucket has no place for logins'],
  ['targets: { app: { database: app.db, storages: [./a, ./a] } }', 'targets.app.storages: ./a stands there twice'],
])('config check finds what is wrong in %j', async (file, problem) => {
  const cwd = await place(file);
  const result = await runDbops(['config', 'check'], { cwd });
  expect(result.exitCode).toBe(2);
  expect(result.stderr).toContain(problem);
});
