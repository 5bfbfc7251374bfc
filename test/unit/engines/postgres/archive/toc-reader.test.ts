import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { collectToc, readToc } from '../../../../../src/engines/postgres/archive/toc-reader.ts';
import { integerBytes, tocBytes, type EntryBytes } from '../../../../support/archive-bytes.ts';

const fixture = (name: string): Buffer => readFileSync(`fixtures/archives/${name}`);

describe('archives of pg_dump 17 and 18', () => {
  test.each([
    ['17-custom-zstd.dump', 'custom', 'zstd', /^17\.11 /],
    ['18-custom-lz4.dump', 'custom', 'lz4', /^18\.6 /],
    ['18-directory-zstd/toc.dat', 'tar', 'zstd', /^18\.6 /],
  ])('the header of %s says what it is', (name, format, compression, version) => {
    const { header } = readToc(fixture(name));
    expect(header).toMatchObject({ version: '1.16', format, compression, database: 'people' });
    expect(header.serverVersion).toMatch(version);
    expect(header.dumpVersion).toMatch(version);
    expect(header.created).toMatch(/^2026-11-20T16:\d\d:\d\d$/);
  });

  test('entries have their names, statements and dependencies', () => {
    const { entries } = readToc(fixture('18-custom-lz4.dump'));
    const find = (desc: string, tag: string) => entries.find((entry) => entry.desc === desc && entry.tag === tag);
    const people = find('TABLE', 'people');
    expect(people).toMatchObject({
      dumpId: 220,
      namespace: 'public',
      owner: 'postgres',
      tableAccessMethod: 'heap',
      tablespace: undefined,
      hasData: false,
      file: undefined,
      dropStatement: 'DROP TABLE public.people;\n',
    });
    expect(people?.definition).toContain('CREATE TABLE public.people (\n');
    const mood = find('TYPE', 'mood');
    expect(people?.dependencies).toContain(mood?.dumpId);
    const rows = find('TABLE DATA', 'people');
    expect(rows).toMatchObject({ hasData: true, dependencies: [220] });
    expect(rows?.copyStatement).toBe('COPY public.people (id, name, mood) FROM stdin;\n');
    expect(find('COMMENT', 'TABLE people')?.definition).toContain('with a ; and a line\nbreak');
  });

  test('the entries of a directory and a tar name their files', () => {
    const { entries } = readToc(fixture('18-directory-zstd/toc.dat'));
    const files = entries.filter(({ hasData }) => hasData).map(({ file }) => file);
    expect(files).toEqual(['3483.dat', '3482.dat', 'blobs_3485.toc']);
    const tar = readToc(fixture('17.tar').subarray(512));
    expect(tar.entries.find(({ tag, hasData }) => tag === 'people' && hasData)?.file).toMatch(/^\d+\.dat$/);
  });
});

describe('every version', () => {
  test.each([12, 13, 14, 15, 16])('1.%i is read to its end, with integers of 4 and of 8 bytes', (minor) => {
    for (const intBytes of [4, 8] as const) {
      const entries = [{ dumpId: 1 }, { dumpId: 2, desc: 'TABLE DATA', hasData: true, dependencies: [1, 7] }];
      const toc = readToc(tocBytes({ minor, intBytes, entries, compression: 1 }));
      expect(toc.header).toMatchObject({ version: `1.${minor}`, compression: 'gzip', created: '2026-01-02T03:04:05' });
      expect(toc.entries[1]).toMatchObject({ dumpId: 2, hasData: true, dependencies: [1, 7], owner: 'me' });
      expect(toc.entries[0]?.tableAccessMethod).toBe(minor >= 14 ? 'heap' : undefined);
    }
  });

  test.each([
    [1, 11, /version 1.11 is older/],
    [1, 17, /version 1.17 is newer/],
    [2, 0, /version 2.0 is newer/],
  ])('%i.%i is refused by its name', (major, minor, message) => {
    const bytes = tocBytes({ entries: [] });
    bytes.set([major, minor], 5);
    expect(() => readToc(bytes)).toThrow(
      expect.objectContaining({ code: 'SOURCE_REFUSED', message: expect.stringMatching(message) }),
    );
  });
});

describe('texts', () => {
  const encoding = (name: string): EntryBytes => ({
    dumpId: 1,
    desc: 'ENCODING',
    definition: `SET client_encoding = '${name}';\n`,
  });

  test.each([
    ['UTF8', 'c3bc', 'ü'],
    ['LATIN1', 'fc', 'ü'],
    ['LATIN2', 'b3', 'ł'],
    ['WIN1252', '80', '€'],
    ['EUC_JP', 'a4a2', 'あ'],
    ['SQL_ASCII', 'ff61', 'ÿa'],
    ['MULE_INTERNAL', '61ff', 'aÿ'],
  ])('in %s are read as such', (name, hex, text) => {
    const { entries } = readToc(
      tocBytes({ entries: [encoding(name), { dumpId: 2, definition: Buffer.from(hex, 'hex') }] }),
    );
    expect(entries[1]?.definition).toBe(text);
  });
});

describe('a hostile table of contents', () => {
  const damaged = (message: RegExp): unknown =>
    expect.objectContaining({ code: 'DAMAGED', message: expect.stringMatching(message) });

  test.each<[string, Buffer, RegExp]>([
    ['nothing', Buffer.alloc(0), /empty/],
    ['a script', Buffer.from('--\n-- PostgreSQL database dump\n'), /no archive/],
    ['two billion entries', tocBytes({ entries: [], count: 2_000_000_000 }), /2000000000 entries is absurd/],
    ['fewer than no entries', tocBytes({ entries: [], count: -1 }), /-1 entries is absurd/],
    ['more entries than there are', tocBytes({ entries: [{ dumpId: 1 }], count: 2 }), /breaks off/],
    ['a dump id twice', tocBytes({ entries: [{ dumpId: 1 }, { dumpId: 1 }] }), /two of its entries/],
    ['a dump id of 0', tocBytes({ entries: [{ dumpId: 0 }] }), /dump id 0/],
    ['an unknown compression', tocBytes({ minor: 16, compression: 9, entries: [] }), /compression 9/],
    ['an unknown format', tocBytes({ format: 4, entries: [] }), /format 4/],
  ])('of %s is refused', (_, bytes, message) => {
    expect(() => readToc(bytes)).toThrow(damaged(message));
  });

  test('that claims a text of two gigabytes is refused at once', () => {
    const bytes = tocBytes({ entries: [{ dumpId: 1 }] });
    integerBytes(2 ** 31 - 1).copy(bytes, bytes.indexOf('15.2') - 5);
    expect(() => readToc(bytes)).toThrow(damaged(/2147483647 bytes/));
  });

  test('that never ends is refused after 256 MB, whatever it claims', () => {
    const collector = collectToc();
    const definition = Buffer.alloc(2 ** 20);
    collector.update(tocBytes({ entries: [], count: 1_000_000 }));
    const append = (): void => {
      for (let id = 1; id < 1_000; id += 1) {
        const entry = tocBytes({ entries: [{ dumpId: id, definition }] });
        collector.update(entry.subarray(tocBytes({ entries: [] }).length));
      }
    };
    expect(append).toThrow(damaged(/absurdly large/));
  });
});

test('10,000 tables in small pieces are read in two seconds', () => {
  const entries = Array.from({ length: 60_000 }, (_, at) => ({
    dumpId: at + 1,
    definition: `CREATE TABLE public.t${at} (${'a integer, '.repeat(20)} b text);\n`,
    dependencies: [1, 2, 3],
  }));
  const bytes = tocBytes({ entries });
  const started = process.cpuUsage();
  const collector = collectToc();
  for (let at = 0; at < bytes.length; at += 4_096) collector.update(bytes.subarray(at, at + 4_096));
  expect(collector.finish().toc.entries).toHaveLength(60_000);
  expect(process.cpuUsage(started).user / 1e6).toBeLessThan(2);
});

test('an entry of 300,000 dependencies is read in linear time', () => {
  const bytes = tocBytes({ entries: [{ dumpId: 1, dependencies: Array.from({ length: 300_000 }, () => 1) }] });
  const started = process.cpuUsage();
  const collector = collectToc();
  for (let at = 0; at < bytes.length; at += 4_096) collector.update(bytes.subarray(at, at + 4_096));
  expect(collector.finish().toc.entries[0]?.dependencies).toHaveLength(300_000);
  expect(process.cpuUsage(started).user / 1e6).toBeLessThan(3);
});
