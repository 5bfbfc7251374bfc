import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { watchArchive } from '../../../../../src/engines/postgres/archive/watch.ts';
import { blobsBlock, dataBlock, tocBytes, type EntryBytes } from '../../../../support/archive-bytes.ts';

const rows = (dumpId: number, more: Partial<EntryBytes> = {}): EntryBytes => ({
  dumpId,
  desc: 'TABLE DATA',
  hasData: true,
  ...more,
});
const blobs: EntryBytes = { dumpId: 9, desc: 'BLOBS', tag: 'BLOBS', hasData: true };

function problemOf(...pieces: readonly Uint8Array[]): string | undefined {
  const watch = watchArchive();
  for (const piece of pieces) watch.update(piece);
  return watch.problem();
}

describe.each(['17-custom-zstd.dump', '18-custom-lz4.dump'])('the archive %s', (name) => {
  const archive = readFileSync(`fixtures/archives/${name}`);

  test('is whole, in one piece and byte by byte', () => {
    expect(problemOf(archive)).toBeUndefined();
    expect(problemOf(...Array.from(archive, (byte) => Uint8Array.of(byte)))).toBeUndefined();
  });

  test('is whole through a buffer that is used again and again', () => {
    const watch = watchArchive();
    const buffer = Buffer.alloc(100);
    for (let at = 0; at < archive.length; at += buffer.length) {
      watch.update(buffer.subarray(0, archive.copy(buffer, 0, at, at + buffer.length)));
      buffer.fill('x');
    }
    expect(watch.problem()).toBeUndefined();
  });

  test('is not whole at any shorter length', () => {
    const whole = Array.from(archive.keys()).filter((length) => problemOf(archive.subarray(0, length)) === undefined);
    expect(whole).toEqual([]);
  });

  test('has an end after which no byte goes unnoticed', () => {
    const unnoticed = Array.from({ length: 256 }, (_, byte) => byte).filter(
      (byte) => problemOf(archive, Uint8Array.of(byte)) === undefined,
    );
    expect(unnoticed).toEqual([]);
  });

  test('with any byte changed is judged without an accident', () => {
    const changed = Buffer.from(archive);
    for (const at of archive.keys()) {
      for (const bits of [0x01, 0x80, 0xff]) {
        changed.writeUInt8(archive.readUInt8(at) ^ bits, at);
        expect(() => problemOf(changed)).not.toThrow();
      }
      changed.writeUInt8(archive.readUInt8(at), at);
    }
  });

  test('gives its table of contents', () => {
    const watch = watchArchive();
    watch.update(archive);
    expect(watch.toc().header.database).toBe('people');
    expect(watch.toc().entries.some(({ tag }) => tag === 'people')).toBe(true);
  });
});

describe('data blocks', () => {
  const toc = tocBytes({ entries: [{ dumpId: 1 }, rows(2), rows(3), blobs] });
  const large = blobsBlock(9, { 4_294_967_295: ['large', 'object'], 12: [] });

  test('of every entry that has data make an archive whole, in any order', () => {
    expect(problemOf(toc, dataBlock(2, 'a', 'bc'), dataBlock(3), large)).toBeUndefined();
    expect(problemOf(toc, large, dataBlock(3), dataBlock(2))).toBeUndefined();
  });

  test('are not missed where no entry has data', () => {
    expect(problemOf(tocBytes({ entries: [{ dumpId: 1 }] }))).toBeUndefined();
    expect(problemOf(tocBytes({ entries: [] }))).toBeUndefined();
  });

  test.each<[string, readonly Buffer[], RegExp]>([
    ['missing', [dataBlock(2), large], /^the data of TABLE DATA public\.t3 is missing$/],
    ['missing in number', [large], /^the data of TABLE DATA public\.t2 is missing, and 1 more$/],
    ['there twice', [dataBlock(2), dataBlock(2), dataBlock(3), large], /t2 is there twice/],
    ['of an id that is not in the table of contents', [dataBlock(7)], /is of 7, which has no data/],
    ['of an entry without data', [dataBlock(1)], /is of 1, which has no data/],
    ['of large objects where rows belong', [blobsBlock(2, {})], /t2 is of the wrong kind/],
    ['of rows where large objects belong', [dataBlock(9)], /BLOBS is of the wrong kind/],
    ['of an unknown type', [Buffer.from([2])], /no data block/],
    ['of a negative length', [Buffer.from([1, 0, 2, 0, 0, 0, 1, 1, 0, 0, 0])], /impossible length/],
  ])('that are %s are named', (_, blocks, message) => {
    expect(problemOf(toc, ...blocks)).toMatch(message);
  });

  test('elsewhere than the table of contents says are named', () => {
    const at = tocBytes({ entries: [rows(2, { offset: 0 })] }).length;
    expect(problemOf(tocBytes({ entries: [rows(2, { offset: at })] }), dataBlock(2))).toBeUndefined();
    expect(problemOf(tocBytes({ entries: [rows(2, { offset: at + 1 })] }), dataBlock(2))).toMatch(/instead of/);
  });
});

test('a problem is one line, whatever the names in it hold', () => {
  const problem = problemOf(tocBytes({ entries: [rows(2, { tag: 'a\nb\u001b[31m' + 'x'.repeat(1_000) })] }));
  expect(problem).toMatch(/^the data of TABLE DATA public\.a\?b\?\[31mx+… is missing$/);
  expect(problem?.length).toBeLessThan(300);
});

test('a table of contents that cannot be read is asked for in vain', () => {
  const watch = watchArchive();
  watch.update(Buffer.from('no archive at all'));
  expect(() => watch.toc()).toThrow(expect.objectContaining({ code: 'DAMAGED' }));
  expect(watch.problems()).toEqual(['it is no archive of pg_dump']);
});

test('a tar archive is not taken for one in custom format', () => {
  expect(problemOf(readFileSync('fixtures/archives/18-directory-zstd/toc.dat'))).toMatch(/in tar format, not custom/);
});

test('a gigabyte of chunks costs next to nothing', () => {
  const watch = watchArchive();
  watch.update(tocBytes({ entries: [rows(2)] }));
  const piece = Buffer.concat(Array.from({ length: 256 }, () => dataBlock(2, 'x'.repeat(4_096)).subarray(6, -5)));
  watch.update(dataBlock(2).subarray(0, 6));
  const started = process.cpuUsage();
  for (let count = 0; count < 1_024; count += 1) watch.update(piece);
  expect(process.cpuUsage(started).user / 1e6).toBeLessThan(1);
  watch.update(dataBlock(2).subarray(6));
  expect(watch.problem()).toBeUndefined();
});
