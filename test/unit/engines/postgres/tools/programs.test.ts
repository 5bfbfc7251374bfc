import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { findClientPrograms, findServerPrograms } from '../../../../../src/engines/postgres/tools/programs.ts';
import { temporaryFolder } from '../../../../support/temporary-folder.ts';

const names = ['pg_dump', 'psql'] as const;

test('the programs closest to the server are taken, wherever they are', async () => {
  const root = await temporaryFolder();
  const onPath = install(join(root, 'path'), '18.4');
  for (const version of ['14.1', '16.2', '17.3']) install(join(root, version.slice(0, 2), 'bin'), version);
  const search = { path: onPath, binDir: undefined, folders: [`${root}/*/bin`], names };
  const majors = [13, 14, 15, 16, 17, 18].map(async (atLeastMajor) => {
    const { version } = await findClientPrograms({ ...search, atLeastMajor });
    return version.text;
  });
  expect(await Promise.all(majors)).toEqual(['14.1', '14.1', '16.2', '16.2', '17.3', '18.4']);
});

test('of one major version the first on PATH is taken', async () => {
  const root = await temporaryFolder();
  const [first, second] = [install(join(root, 'a'), '15.1'), install(join(root, 'b'), '15.18')];
  install(join(root, '15', 'bin'), '15.18');
  const search = { path: `${first}:${second}`, binDir: undefined, folders: [`${root}/*/bin`], names, atLeastMajor: 15 };
  expect((await findClientPrograms(search)).paths).toEqual({ pg_dump: `${first}/pg_dump`, psql: `${first}/psql` });
});

test('a newer server than every program is refused, with its version, what there is, and the package', async () => {
  const root = await temporaryFolder();
  const old = install(join(root, 'old'), '15.18');
  const failure = findClientPrograms({ path: old, binDir: undefined, folders: [], names, atLeastMajor: 17 });
  await expect(failure).rejects.toMatchObject({
    code: 'TOOL_MISSING',
    message: `pg_dump and psql for a server of PostgreSQL 17 not found (${old} has 15.18)`,
    hint: expect.stringMatching(/postgresql-client-17 .*postgresql17 .*binDir/) as string,
  });
});

test('binDir is the only place when it is given', async () => {
  const root = await temporaryFolder();
  const good = install(join(root, 'good'), '17.10');
  const bad = install(join(root, 'bad'), '17.10', ['psql']);
  const search = { path: good, folders: [good], names, atLeastMajor: 17 };
  await expect(findClientPrograms({ ...search, binDir: bad })).rejects.toMatchObject({
    code: 'TOOL_MISSING',
    message: `pg_dump and psql for a server of PostgreSQL 17 not in ${bad} (${bad} lacks pg_dump)`,
  });
  expect((await findClientPrograms({ ...search, path: undefined, folders: [], binDir: good })).folder).toBe(good);
});

test('a wrapper on PATH, which chooses a version when it runs, is passed over for real programs', async () => {
  const root = await temporaryFolder();
  const wrapped = join(root, 'wrapped');
  mkdirSync(wrapped);
  write(join(root, 'share', 'pg_wrapper'), '17.10');
  for (const name of names) symlinkSync('../share/pg_wrapper', join(wrapped, name));
  const real = install(join(root, '17', 'bin'), '17.10');
  const search = { path: wrapped, binDir: undefined, names, atLeastMajor: 17 };
  expect((await findClientPrograms({ ...search, folders: [`${root}/*/bin`] })).folder).toBe(real);
  await expect(findClientPrograms({ ...search, folders: [] })).rejects.toMatchObject({ code: 'TOOL_MISSING' });
});

test('links to programs lead to the folder where all the others are', async () => {
  const root = await temporaryFolder();
  const real = install(join(root, '17', 'bin'), '17.10');
  const links = join(root, 'links');
  mkdirSync(links);
  for (const name of names) symlinkSync(join(real, name), join(links, name));
  const search = { path: links, binDir: undefined, folders: [], names, atLeastMajor: 17 };
  expect(await findClientPrograms(search)).toMatchObject({ folder: real, paths: { psql: join(real, 'psql') } });
});

test('programs of a folder that differ in version count as the oldest of them', async () => {
  const root = await temporaryFolder();
  const mixed = install(join(root, 'mixed'), '17.10', ['pg_dump']);
  write(join(mixed, 'psql'), '15.18');
  const search = { path: mixed, binDir: undefined, folders: [], names };
  await expect(findClientPrograms({ ...search, atLeastMajor: 17 })).rejects.toMatchObject({ code: 'TOOL_MISSING' });
  expect((await findClientPrograms({ ...search, atLeastMajor: 15 })).version.text).toBe('15.18');
});

test('a program that does not run is named, and not taken', async () => {
  const root = await temporaryFolder();
  write(join(root, 'pg_dump'), '17.10');
  writeFileSync(join(root, 'psql'), '#!/bin/sh\necho "psql (PostgreSQL) 17.10"; exit 127\n', { mode: 0o755 });
  const search = { path: root, binDir: undefined, folders: [], names, atLeastMajor: 17 };
  await expect(findClientPrograms(search)).rejects.toMatchObject({
    message: expect.stringContaining(`those in ${root} do not run`) as string,
  });
});

test('a beta is taken only when no release of that version is there', async () => {
  const root = await temporaryFolder();
  const beta = install(join(root, 'beta'), '17beta1');
  const release = install(join(root, 'release'), '17.1');
  const search = { path: beta, binDir: undefined, names, atLeastMajor: 17 };
  expect((await findClientPrograms({ ...search, folders: [release] })).folder).toBe(release);
  expect((await findClientPrograms({ ...search, folders: [] })).version.unreleased).toBe(true);
});

test('missing server programs name the package and the other way', async () => {
  const root = await temporaryFolder();
  const clients = install(root, '16.14');
  const search = { path: clients, binDir: undefined, folders: [], atLeastMajor: 16 };
  await expect(findServerPrograms(search)).rejects.toMatchObject({
    code: 'TOOL_MISSING',
    message: expect.stringContaining('server programs of PostgreSQL 16') as string,
    hint: expect.stringMatching(/postgresql-16 .*postgresql16-server .*--scratch-url/) as string,
  });
});

function install(folder: string, version: string, programs: readonly string[] = names): string {
  for (const name of programs) write(join(folder, name), version);
  return folder;
}

function write(file: string, version: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `#!/bin/sh\necho "\${0##*/} (PostgreSQL) ${version} (Debian ${version}-1)"\n`);
  chmodSync(file, 0o755);
}
