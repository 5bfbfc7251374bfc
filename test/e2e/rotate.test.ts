import { cpSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ageKey } from '../support/age-keys.ts';
import { backedUp, openScene } from '../support/encrypted-scene.ts';
import { readDatabase } from '../support/small-database.ts';

const idsIn = (folder: string): string[] =>
  readdirSync(join(folder, 'app'))
    .filter((name) => /^\d{8}T/.test(name))
    .toSorted();

/** A backup for an old key and its copy for a new one, as a kill between publishing and removing leaves them. */
async function halfRotated() {
  const scene = await openScene();
  await backedUp(scene);
  const [storage, before] = [join(scene.cwd, 'backups'), join(scene.cwd, 'before')];
  cpSync(storage, before, { recursive: true, verbatimSymlinks: true });
  const [old = ''] = idsIn(storage);
  const next = await ageKey();
  const rotate = ['key', 'rotate', '--identity', scene.key.file, '--recipient', next.recipient];
  const first = await scene.run(rotate);
  expect(first.exitCode, first.stderr).toBe(0);
  const [copy = ''] = idsIn(storage);
  cpSync(join(before, 'app', old), join(storage, 'app', old), { recursive: true });
  return { ...scene, storage, old, copy, next, rotate };
}

test('where the copy is whole, the second run removes the old one and makes no other', async () => {
  const { run, rotate, storage, copy } = await halfRotated();
  expect((await run(rotate)).exitCode).toBe(0);
  expect(idsIn(storage)).toEqual([copy]);
});

test.each([
  ['cut', (part: string) => truncateSync(part, statSync(part).size - 1)],
  ['missing', (part: string) => rmSync(part)],
])('where a part of the copy is %s, a whole one is made before the old one goes', async (_, damage) => {
  const { run, rotate, storage, cwd, copy, next } = await halfRotated();
  damage(join(storage, 'app', copy, 'app.db.zst.age'));
  const again = await run(rotate);
  expect(again.exitCode, again.stderr).toBe(0);
  const made = idsIn(storage).find((id) => id !== copy);
  const restored = await run(['restore', made ?? 'none', '--identity', next.file, '--into', 'back.db']);
  expect(restored.exitCode, restored.stderr).toBe(0);
  expect(readDatabase(join(cwd, 'back.db'))).toBe(readDatabase(join(cwd, 'app.db')));
});

test('every storage of the configuration is taken, and one that fails is said and does not keep the others', async () => {
  const { run, cwd, key } = await openScene();
  const next = await ageKey();
  writeFileSync(
    join(cwd, 'dbops.yaml'),
    `storages: { one: ./one, two: ./two }\nstorage: [one, two]\nencryption: { recipients: [${key.recipient}] }\ntargets: { app: { database: app.db } }`,
  );
  expect((await run(['backup'])).exitCode).toBe(0);
  const before = idsIn(join(cwd, 'one'));
  const rotated = await run(['key', 'rotate', '--identity', key.file, '--recipient', next.recipient, '--json']);
  expect(rotated.exitCode, rotated.stderr).toBe(0);
  expect(rotated.json()).toMatchObject({
    backups: ['one', 'two'].map((name) => ({ storage: join(cwd, name), action: 'rotate' })),
  });
  for (const name of ['one', 'two']) expect(idsIn(join(cwd, name))).not.toEqual(before);
  rmSync(join(cwd, 'one'), { recursive: true });
  const back = await run(['key', 'rotate', '--identity', next.file, '--recipient', key.recipient]);
  expect(back.exitCode).toBe(10);
  expect(back.stdout).toMatch(/one: FAILED: .*\nhint: /);
  expect(back.stderr).toContain('nothing was encrypted anew in ./one');
  expect((await run(['restore', '--storage', 'two', '--identity', key.file, '--into', 'x.db'])).exitCode).toBe(0);
});

test('keys to read with alone encrypt nothing, and every backup says so', async () => {
  const { run, cwd, key } = await openScene();
  writeFileSync(
    join(cwd, 'dbops.yaml'),
    `encryption: { identities: ['${key.file}'] }\ntargets: { app: { database: app.db } }`,
  );
  const made = await run(['backup', '--quiet']);
  expect(made.exitCode).toBe(0);
  expect(made.stderr).toContain('warning: app: it is not encrypted');
  expect((await run(['backup', '--quiet', '--no-encrypt'])).stderr).toBe('');
});
