import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import type { PartSource } from '../../../../../src/core/ports/engine.ts';
import { readContent, readTocOf } from '../../../../../src/engines/postgres/restore/dump-content.ts';
import { tocBytes } from '../../../../support/archive-bytes.ts';

const patient = { signal: new AbortController().signal };
const archive = tocBytes({ entries: [{ dumpId: 1, tag: 'users', hasData: true }] });
const script = Buffer.from(
  "--\n-- PostgreSQL database dump\n--\n\nSET statement_timeout = 0;\nSET client_encoding = 'LATIN1';\nCREATE TABLE a();\n",
);
const tar = Buffer.concat([Buffer.from('toc.dat\0'.padEnd(257, '\0')), Buffer.from('ustar'.padEnd(255, '\0'))]);

/** Parts of a backup, which give their bytes in small pieces and note what was read. */
function partsOf(files: Readonly<Record<string, Buffer>>): PartSource & { readonly read: Record<string, number> } {
  const read: Record<string, number> = {};
  return {
    read,
    parts: Object.entries(files).map(([name, { length }]) => ({
      name: `${name}.zst`,
      decodedName: name,
      bytes: length,
    })),
    open: async (name) => {
      const bytes = files[name.replace(/\.zst$/, '')] ?? Buffer.alloc(0);
      const pieces = function* (): Generator<Buffer> {
        for (let at = 0; at < bytes.length; at += 100) {
          read[name] = (read[name] ?? 0) + 1;
          yield bytes.subarray(at, at + 100);
        }
      };
      return Readable.from(pieces(), { objectMode: false, highWaterMark: 1 });
    },
  };
}

describe('what a backup consists of is read off its content', () => {
  test.each([
    ['archive', 'db.dump', archive],
    ['archive', 'whatever.sql', archive],
    ['tar', 'db.tar', tar],
    ['script', 'db.sql', script],
  ])('%s in %s', async (type, name, bytes) => {
    expect(await readContent(partsOf({ [name]: bytes }), patient)).toMatchObject({
      type,
      part: { decodedName: name },
      globals: undefined,
    });
  });

  test('with globals beside it, in any order', async () => {
    const globals = Buffer.from('CREATE ROLE a;\n');
    for (const files of [
      { 'db.dump': archive, 'globals.sql': globals },
      { 'globals.sql': globals, 'db.dump': archive },
    ]) {
      expect(await readContent(partsOf(files), patient)).toMatchObject({
        type: 'archive',
        part: { decodedName: 'db.dump' },
        globals: { decodedName: 'globals.sql' },
      });
    }
  });

  test('and a folder by its table of contents, without the globals', async () => {
    const files = { 'db/1.dat': Buffer.from('1\n'), 'db/toc.dat': archive, 'globals.sql': script };
    const content = await readContent(partsOf(files), patient);
    expect(content).toMatchObject({ type: 'directory', toc: { decodedName: 'db/toc.dat' } });
    expect(content.type === 'directory' && content.files.map(({ decodedName }) => decodedName)).toEqual([
      'db/1.dat',
      'db/toc.dat',
    ]);
  });

  test('and so is the encoding of a script', async () => {
    expect(await readContent(partsOf({ 'db.sql': script }), patient)).toMatchObject({ encoding: 'LATIN1' });
  });
});

test.each<[string, Readonly<Record<string, Buffer>>, string]>([
  ['nothing', {}, 'the backup has no dump in it'],
  ['globals alone', { 'globals.sql': script }, 'the backup has no dump in it'],
  ['an empty part', { 'db.dump': Buffer.alloc(0) }, 'db.dump.zst is no dump of PostgreSQL'],
  ['something else', { 'db.dump': Buffer.from('SQLite format 3\0') }, 'db.dump.zst is no dump of PostgreSQL'],
])('%s is damage', async (_, files, message) => {
  await expect(readContent(partsOf(files), patient)).rejects.toMatchObject({ code: 'DAMAGED', message });
});

describe('the table of contents', () => {
  test('is read without what comes behind it', async () => {
    const parts = partsOf({ 'db.dump': Buffer.concat([archive, Buffer.alloc(1 << 20)]) });
    const toc = await readTocOf(parts, await readContent(parts, patient), patient);
    expect(toc?.entries.map(({ tag }) => tag)).toEqual(['users']);
    expect(parts.read['db.dump.zst']).toBeLessThan(200);
  });

  test('of a folder is that of its own file', async () => {
    const parts = partsOf({ 'db/1.dat': Buffer.from('1\n'), 'db/toc.dat': archive });
    const toc = await readTocOf(parts, await readContent(parts, patient), patient);
    expect(toc?.header.dumpVersion).toBe('15.2');
    expect(parts.read).not.toHaveProperty(['db/1.dat.zst']);
  });

  test('is none of plain SQL and of a tar', async () => {
    for (const bytes of [script, tar]) {
      const parts = partsOf({ x: bytes });
      expect(await readTocOf(parts, await readContent(parts, patient), patient)).toBeUndefined();
    }
  });

  test('that is cut short is damage', async () => {
    const parts = partsOf({ 'db.dump': archive.subarray(0, archive.length - 20) });
    await expect(readTocOf(parts, await readContent(parts, patient), patient)).rejects.toMatchObject({
      code: 'DAMAGED',
    });
  });
});
