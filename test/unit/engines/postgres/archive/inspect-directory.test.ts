import { readdirSync, readFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { createCodecs } from '../../../../../src/codecs/codecs.ts';
import { inspectDirectory } from '../../../../../src/engines/postgres/archive/inspect-directory.ts';
import type { Inspection } from '../../../../../src/engines/postgres/archive/inspection.ts';
import { inPieces, tocBytes } from '../../../../support/archive-bytes.ts';

const codecs = createCodecs(undefined);

type Files = Readonly<Record<string, Buffer>>;

function inspect(files: Files, pieces = 64): Promise<Inspection> {
  const open = (name: string): Promise<Readable> => Promise.resolve(inPieces(files[name] ?? Buffer.alloc(0), pieces));
  return inspectDirectory({ names: Object.keys(files), open, codecs });
}

const problemsOf = async (files: Files, pieces?: number): Promise<readonly string[]> =>
  (await inspect(files, pieces)).problems;

function filesOf(fixture: string): Files {
  const folder = `fixtures/archives/${fixture}`;
  return Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(`${folder}/${name}`)]));
}

describe.each(['18-directory-zstd', '18-directory-lz4'])('the directory %s', (name) => {
  const files = filesOf(name);
  const members = Object.entries(files).filter(([file]) => file !== 'toc.dat');

  test('is whole, in pieces of any size', async () => {
    expect(await problemsOf(files)).toEqual([]);
    expect(await problemsOf(files, 1)).toEqual([]);
    expect((await inspect(files)).toc?.header).toMatchObject({ format: 'directory', database: 'people' });
  });

  test.each(members.map(([file]) => file))('is not whole without %s', async (file) => {
    const { [file]: _, ...others } = files;
    const base = file.replace(/\.(zst|lz4)$/, '');
    expect((await problemsOf(others)).join('\n')).toContain(`${base} with `);
  });

  test('is not whole with any file at a shorter length', async () => {
    const unnoticed: string[] = [];
    for (const [file, bytes] of Object.entries(files)) {
      const lengths = file === 'toc.dat' ? [0, 1, 60, 1_000, bytes.length - 1] : bytes.keys();
      for (const length of lengths) {
        const problems = await problemsOf({ ...files, [file]: bytes.subarray(0, length) }, 1_024);
        if (problems.length === 0) unnoticed.push(`${file} at ${length}`);
      }
    }
    // pg_dump writes an empty large object as a file of zstd without a byte; the checksums of a backup tell them apart.
    expect(unnoticed.filter((cut) => !/^blob_\d+\.dat\.zst at 0$/.test(cut))).toEqual([]);
  });

  test('is not whole with a byte more in any file', async () => {
    const unnoticed: string[] = [];
    for (const [file, bytes] of Object.entries(files)) {
      const problems = await problemsOf({ ...files, [file]: Buffer.concat([bytes, Buffer.from('x')]) });
      if (problems.length === 0) unnoticed.push(file);
    }
    expect(unnoticed).toEqual([]);
  });

  test('with a file that is no part of it names that one', async () => {
    const extra = { ...files, '1.dat': Buffer.alloc(0), 'note\n.txt': Buffer.alloc(0) };
    expect(await problemsOf(extra)).toEqual([
      '1.dat is no part of this archive',
      'note?.txt is no part of this archive',
    ]);
  });
});

describe('a directory that pg_dump left uncompressed or gave to gzip', () => {
  const entries = [
    { dumpId: 2, desc: 'TABLE DATA', hasData: true, copyStatement: 'COPY t FROM stdin;\n', file: '2.dat' },
    { dumpId: 3, desc: 'TABLE DATA', hasData: true, file: '3.dat' },
    { dumpId: 4, desc: 'BLOBS', hasData: true, file: 'blobs.toc' },
  ];
  const plain: Files = {
    'toc.dat': tocBytes({ format: 3, entries }),
    '2.dat': Buffer.from('1\tx\n\\.\n\n\n'),
    '3.dat': Buffer.from("INSERT INTO t VALUES (1, 'x');\n\n\n"),
    'blobs.toc': Buffer.from('7 blob_7.dat\n'),
    'blob_7.dat': Buffer.from('large'),
  };
  const zipped: Files = {
    'toc.dat': plain['toc.dat'] ?? Buffer.alloc(0),
    'blobs.toc': plain['blobs.toc'] ?? Buffer.alloc(0),
    ...Object.fromEntries(
      ['2.dat', '3.dat', 'blob_7.dat'].map((name) => [`${name}.gz`, gzipSync(plain[name] ?? Buffer.alloc(0))]),
    ),
  };

  test('is whole', async () => {
    expect(await problemsOf(plain)).toEqual([]);
    expect(await problemsOf(zipped)).toEqual([]);
  });

  test.each(['2.dat.gz', '3.dat.gz', 'blob_7.dat.gz'])('is not whole with a shorter or longer %s', async (name) => {
    const bytes = zipped[name] ?? Buffer.alloc(0);
    for (const length of bytes.keys()) {
      expect(await problemsOf({ ...zipped, [name]: bytes.subarray(0, length) })).toHaveLength(1);
    }
    for (const more of ['x', '\0', '\x1f', '\0'.repeat(600)]) {
      expect(await problemsOf({ ...zipped, [name]: Buffer.concat([bytes, Buffer.from(more)]) })).toHaveLength(1);
    }
  });

  test('is not whole with a large object that gzip or zstd cannot read', async () => {
    const bytes = Buffer.from(gzipSync('large'.repeat(100)));
    bytes.writeUInt8(bytes.readUInt8(12) ^ 0x10, 12);
    const { 'blob_7.dat.gz': _, ...others } = zipped;
    const [problem] = await problemsOf({ ...others, 'blob_7.dat.gz': bytes });
    expect(problem).toMatch(/^blob_7.dat.gz with a large object: it cannot be decompressed \(.+\)$/);
    const block = Buffer.from('28b52ffd0058050000ff', 'hex');
    expect(await problemsOf({ ...others, 'blob_7.dat.zst': block })).toHaveLength(1);
  });

  test.each(['', '1\tx\n', '1\tx\n\\.', '1\tx\n\\.\n', '1\tx\n\\.\n\n', 'x\\.\n\n\n', '\\.\n\n\n1'])(
    'is not whole with rows that end as %j',
    async (rows) => {
      expect(await problemsOf({ ...plain, '2.dat': Buffer.from(rows) })).toEqual([
        '2.dat with TABLE DATA public.t2: it breaks off before its end',
      ]);
    },
  );

  test('is whole with a table that has no rows', async () => {
    expect(await problemsOf({ ...plain, '2.dat': Buffer.from('\\.\n\n\n'), '3.dat': Buffer.from('\n\n') })).toEqual([]);
  });

  test.each([
    ['7 ../../etc/passwd\n', /an impossible line: 7 \.\.\/\.\.\/etc\/passwd/],
    ['7 blob_8.dat\n', /an impossible line/],
    ['7 blob_7.dat\n7 blob_7.dat\n', /blob_7.dat is asked for twice/],
    ['7 blob_7.dat\n8 blob_8.dat\n', /blob_8.dat with a large object is missing/],
    ['7 blob_7.dat', /breaks off in the middle of a line/],
    ['7'.repeat(200_000), /a line that never ends/],
    ['', /blob_7.dat is no part of this archive/],
  ])('is not whole with a list of large objects as %.30j', async (list, problem) => {
    expect((await problemsOf({ ...plain, 'blobs.toc': Buffer.from(list) })).join('\n')).toMatch(problem);
  });

  test('names a file that is there twice', async () => {
    const both = { ...plain, '2.dat.gz': gzipSync('\\.\n\n\n'), '2.dat.zst': zstdCompressSync('\\.\n\n\n') };
    expect(await problemsOf(both)).toEqual([
      '2.dat.gz is no part of this archive',
      '2.dat.zst is no part of this archive',
    ]);
  });

  test('is nothing without its table of contents', async () => {
    const { 'toc.dat': _, ...others } = plain;
    expect(await inspect(others)).toEqual({ toc: undefined, problems: ['toc.dat is missing'] });
    expect(await problemsOf({ ...plain, 'toc.dat': Buffer.from('PGD') })).toEqual([
      'toc.dat: it breaks off in its table of contents',
    ]);
  });

  test.each(['2.dat', '2.dat.gz', 'toc.dat'])('fails when %s cannot be read', async (broken) => {
    const files: Files = broken.endsWith('.gz') ? zipped : plain;
    const open = (name: string): Promise<Readable> =>
      Promise.resolve(name === broken ? failing() : inPieces(files[name] ?? Buffer.alloc(0), 1_024));
    await expect(inspectDirectory({ names: Object.keys(files), open, codecs })).rejects.toThrow('the disk is gone');
  });
});

function failing(): Readable {
  return new Readable({
    read() {
      this.destroy(new Error('the disk is gone'));
    },
  });
}
