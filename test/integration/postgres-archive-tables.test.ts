import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { restoreList } from '../../src/engines/postgres/archive/restore-list.ts';
import { tableEntries } from '../../src/engines/postgres/archive/table-entries.ts';
import { readToc } from '../../src/engines/postgres/archive/toc-reader.ts';
import type { Toc } from '../../src/engines/postgres/archive/toc.ts';
import { startArchiveCluster, type ArchiveCluster } from '../support/archive-cluster.ts';
import { archiveMuseum } from '../support/archive-museum.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

let cluster: ArchiveCluster;

beforeAll(async () => {
  cluster = await startArchiveCluster();
  await cluster.run('createdb', 'museum');
  await cluster.sql('museum', archiveMuseum);
});
afterAll(() => cluster[Symbol.asyncDispose]());

const odd = '"Odd schema"."we ird.""t\nx"';

test.each<[string, readonly string[], readonly string[]]>([
  ['with everything', ['public.users'], ['public.users', 'public.users_id_seq']],
  ['whose name is the beginning of another', ['"users x"'], ['public."users x"']],
  ['with partitions in two levels', ['orders'], ['public.orders', 'public.orders_*', 'audit.orders_*']],
  ['with partitions, itself one', ['orders_2026'], ['public.orders_2026', 'audit.orders_*']],
  ['that is one partition', ['audit.orders_2026_0'], ['audit.orders_2026_0']],
  ['with an odd name', [odd], [odd]],
  ['that inherits', ['children'], ['public.children']],
  [
    'among others',
    ['teams', '"users x"', 'public.us*s', odd],
    ['public.teams', 'public.users', 'public."users x"', odd],
  ],
])('a lost table %s comes back as it was', async (_, names, dumped) => {
  const { database, toc, restore } = await museumCopy([]);
  const before = await dumpOf(database, dumped);
  const { ids } = tableEntries(toc, names);
  for (const { tag, namespace } of toc.entries.filter(({ dumpId, desc }) => desc === 'TABLE' && ids.has(dumpId))) {
    const name = [namespace ?? '', tag].map((part) => `"${part.replaceAll('"', '""')}"`).join('.');
    await cluster.sql(database, `DROP TABLE IF EXISTS ${name} CASCADE`);
  }
  await restore(ids);
  expect(await dumpOf(database, dumped)).toEqual(before);
});

test.each<[string, readonly string[], readonly string[]]>([
  ['with partitions', ['orders'], ['public.orders', 'public.orders_*', 'audit.orders_*']],
  ['that is a partition', ['orders_2025'], ['public.orders_2025']],
  ['with an odd name', [odd], [odd]],
  ['that inherits', ['children'], ['public.children']],
])('a table %s comes into an empty database, after what it needs', async (_, names, dumped) => {
  const { database, toc, restore } = await museumCopy(['--section=pre-data', '--schema=none']);
  const { ids, needs } = tableEntries(toc, names);
  await restore(
    withTheirNeeds(
      toc,
      needs.map(({ dumpId }) => dumpId),
    ),
  );
  await restore(ids);
  expect(await dumpOf(database, dumped)).toEqual(await dumpOf('museum', dumped));
});

interface Copy {
  readonly database: string;
  readonly toc: Toc;
  readonly restore: (ids: ReadonlySet<number>) => Promise<void>;
}

/** A database restored from an archive of the museum, and that archive. */
async function museumCopy(options: readonly string[]): Promise<Copy> {
  const folder = await temporaryFolder();
  const archive = join(folder, 'museum.dump');
  const database = `copy_${folder.slice(-6)}`;
  await cluster.run('pg_dump', '-Fc', '-f', archive, 'museum');
  await cluster.run('createdb', database);
  await cluster.run('pg_restore', '--exit-on-error', ...options, '-d', database, archive);
  const restore = async (ids: ReadonlySet<number>): Promise<void> => {
    const list = join(folder, 'list');
    await writeFile(list, restoreList(toc, ids));
    await cluster.run('pg_restore', '--exit-on-error', '--single-transaction', '-L', list, '-d', database, archive);
  };
  const toc = readToc(await readFile(archive));
  return { database, toc, restore };
}

/** What is needed needs other things in turn, which come before it in an archive. */
function withTheirNeeds({ entries }: Toc, needed: readonly number[]): ReadonlySet<number> {
  const ids = new Set(needed);
  for (const { dumpId, dependencies } of entries.toReversed()) {
    if (ids.has(dumpId)) for (const id of dependencies) ids.add(id);
  }
  return ids;
}

async function dumpOf(database: string, tables: readonly string[]): Promise<readonly string[]> {
  const script = await cluster.run('pg_dump', ...tables.map((table) => `--table=${table}`), database);
  expect(script).toContain('CREATE TABLE');
  // Each dump guards itself with a key of its own, and orders what may come in any order by the ages of objects.
  return script
    .replaceAll(/^\\(un)?restrict .*$/gm, '')
    .split('\n--\n-- ')
    .map((piece) => piece.trim())
    .toSorted();
}

test('what a table needs and what it does not is told apart', async () => {
  const archive = join(await temporaryFolder(), 'museum.dump');
  await cluster.run('pg_dump', '-Fc', '-f', archive, 'museum');
  const toc = readToc(await readFile(archive));
  const { ids, needs } = tableEntries(toc, ['public.users']);
  expect(needs.map(({ desc, name }) => `${desc} ${name}`).toSorted()).toEqual([
    'CONSTRAINT teams teams_pkey',
    'DOMAIN positive',
    'EXTENSION pg_trgm',
    'FUNCTION shout(text)',
    'FUNCTION stamp()',
    'SEQUENCE shared_numbers',
    'TABLE teams',
    'TABLE users',
    'TABLE users x',
    'TYPE mood',
  ]);
  const foreignKey = toc.entries.find(({ tag }) => tag === 'users users_team_fkey')?.dumpId;
  expect(needs.find(({ name }) => name === 'teams')?.by).toEqual([foreignKey]);
  const kept = toc.entries.filter(({ dumpId }) => ids.has(dumpId)).map(({ desc, tag }) => `${desc} ${tag}`);
  expect(kept.filter((name) => /users x|teams$|audit|names|moods/.test(name))).toEqual([]);
});
