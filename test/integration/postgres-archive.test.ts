import { createReadStream } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createCodecs } from '../../src/codecs/codecs.ts';
import { inspectCustom } from '../../src/engines/postgres/archive/inspect-custom.ts';
import { inspectDirectory } from '../../src/engines/postgres/archive/inspect-directory.ts';
import { inspectTar } from '../../src/engines/postgres/archive/inspect-tar.ts';
import type { Inspection } from '../../src/engines/postgres/archive/inspection.ts';
import { readToc } from '../../src/engines/postgres/archive/toc-reader.ts';
import { watchArchive } from '../../src/engines/postgres/archive/watch.ts';
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

async function dump(...options: readonly string[]): Promise<string> {
  const path = join(await temporaryFolder(), 'museum');
  await cluster.run('pg_dump', ...options, '-f', path, 'museum');
  return path;
}

async function inspectFolder(folder: string): Promise<Inspection> {
  const open = (name: string) => Promise.resolve(createReadStream(join(folder, name)));
  return await inspectDirectory({ names: await readdir(folder), open, codecs: createCodecs(undefined) });
}

const readers: Readonly<Record<string, (path: string) => Promise<Inspection>>> = {
  custom: (path) => inspectCustom(createReadStream(path)),
  directory: inspectFolder,
  tar: (path) => inspectTar(createReadStream(path)),
};

describe('an archive of pg_dump 15', () => {
  test.each<[string, string, ...string[]]>([
    ['gzip', 'custom', '-Fc'],
    ['none', 'custom', '-Fc', '-Z0'],
    ['gzip', 'custom', '-Fc', '--schema-only'],
    ['gzip', 'custom', '-Fc', '--data-only', '--inserts'],
    ['gzip', 'custom', '-Fc', '--section=pre-data'],
    ['gzip', 'custom', '-Fc', '--no-blobs', '--table=users', '--create'],
    ['gzip', 'directory', '-Fd'],
    ['none', 'directory', '-Fd', '-Z0', '--jobs=2'],
    ['none', 'directory', '-Fd', '-Z0', '--inserts'],
    ['gzip', 'directory', '-Fd', '--schema-only'],
    ['none', 'tar', '-Ft'],
    ['none', 'tar', '-Ft', '--inserts'],
    ['none', 'tar', '-Ft', '--schema-only'],
  ])('with %s in %s format is whole: %s %s', async (compression, format, ...options) => {
    const path = await dump(...options);
    const { toc, problems } = (await readers[format]?.(path)) ?? { toc: undefined, problems: ['no reader'] };
    expect(problems).toEqual([]);
    expect(toc?.header).toMatchObject({ version: '1.14', compression, format, database: 'museum' });
    expect(toc?.header.dumpVersion).toMatch(/^15\./);
    const listed = (await cluster.run('pg_restore', '--list', path)).split('\n');
    const count = listed.find((line) => line.includes('TOC Entries:'))?.split(':')[1];
    expect(toc?.entries).toHaveLength(Number(count));
    for (const line of listed.filter((entry) => /^\d+;/.test(entry))) {
      const entry = toc?.entries.find(({ dumpId }) => dumpId === Number.parseInt(line, 10));
      expect(line.replace('?', '\n')).toContain(` ${entry?.desc} ${entry?.namespace ?? '-'} `);
    }
  });

  test('is not whole at any shorter length, nor with a byte more', async () => {
    const archive = await readFile(await dump('-Fc', '--table=teams', '--table=children', '--blobs'));
    const whole = Array.from(archive.keys()).filter((length) => {
      const watch = watchArchive();
      watch.update(archive.subarray(0, length));
      return watch.problem() === undefined;
    });
    expect(whole).toEqual([]);
    for (const more of [0, 1, 2, 3, 255]) {
      const watch = watchArchive();
      watch.update(archive);
      expect(watch.problem()).toBeUndefined();
      watch.update(Uint8Array.of(more));
      expect(watch.problem()).toBeDefined();
    }
  });

  test('cut in its data is listed by pg_restore as if it were whole, and found by us', async () => {
    const path = await dump('-Fc', '-Z0');
    const archive = await readFile(path);
    await writeFile(path, archive.subarray(0, archive.length - 1_000));
    expect(await cluster.run('pg_restore', '--list', path)).toContain('TABLE DATA public users');
    const { toc, problems } = await inspectCustom(createReadStream(path));
    expect(problems).toHaveLength(1);
    expect(toc?.header.database).toBe('museum');
  });

  test('in LATIN1 has its names in letters', async () => {
    await cluster.run('createdb', '--encoding=LATIN1', '--locale=C', '--template=template0', 'latin');
    await cluster.sql('latin', `SET client_encoding = 'UTF8'; CREATE TABLE "größe" (a integer);`);
    const path = join(await temporaryFolder(), 'latin');
    await cluster.run('pg_dump', '-Fc', '-f', path, 'latin');
    expect(readToc(await readFile(path)).entries.map(({ tag }) => tag)).toContain('größe');
  });
});

test('10,000 tables are read and followed in two seconds', async () => {
  await cluster.run('createdb', 'many');
  const create = `SELECT format('CREATE TABLE t%s (id integer, name text)', n) FROM generate_series(1, 10000) AS n`;
  // In parts: each table takes a lock until its transaction ends.
  for (let part = 0; part < 10; part += 1) {
    await cluster.sql('many', `BEGIN; ${create} OFFSET ${part * 1_000} LIMIT 1000 \\gexec\nCOMMIT;`);
  }
  const path = join(await temporaryFolder(), 'many');
  await cluster.run('pg_dump', '-Fc', '-f', path, 'many');
  const archive = await readFile(path);
  const started = process.cpuUsage();
  const watch = watchArchive();
  for (let at = 0; at < archive.length; at += 65_536) watch.update(archive.subarray(at, at + 65_536));
  expect(watch.problem()).toBeUndefined();
  expect(process.cpuUsage(started).user / 1e6).toBeLessThan(2);
  expect(watch.toc().entries.filter(({ desc }) => desc === 'TABLE DATA')).toHaveLength(10_000);
});
