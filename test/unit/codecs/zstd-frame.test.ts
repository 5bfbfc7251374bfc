import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { constants, zstdCompressSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { watchZstd } from '../../../src/codecs/zstd-frame.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const contents: readonly (readonly [string, Buffer])[] = [
  ['nothing', Buffer.alloc(0)],
  ['one byte', Buffer.from('x')],
  ['300 bytes', Buffer.from('abc'.repeat(100))],
  ['a long run of one byte', Buffer.alloc(1_000_000, 7)],
  ['several blocks', Buffer.from(Array.from({ length: 400_000 }, (_, n) => (n * n * 31 + (n >> 3)) & 0xff))],
];

function problemOf(encoded: Buffer, rawBytes: number, chunk = encoded.length || 1): string | undefined {
  const watch = watchZstd();
  for (let at = 0; at < encoded.length; at += chunk) watch.update(encoded.subarray(at, at + chunk));
  return watch.problem(rawBytes);
}

describe.each(contents)('a frame of %s', (_name, raw) => {
  const checked = { params: { [constants.ZSTD_c_checksumFlag]: 1 }, pledgedSrcSize: raw.length };

  test('is whole, in chunks of any size', () => {
    const encoded = zstdCompressSync(raw, checked);
    for (const chunk of [1, 2, 3, 7, 65_536]) expect(problemOf(encoded, raw.length, chunk)).toBeUndefined();
  });

  test('by the program is whole, and says another length than another content', async () => {
    const file = join(await temporaryFolder(), 'raw');
    await writeFile(file, raw);
    const encoded = execFileSync('zstd', ['-q', '-3', '-T0', '-c', file]);
    expect(problemOf(encoded, raw.length)).toBeUndefined();
    expect(problemOf(encoded, raw.length + 1)).toBe(`it holds ${raw.length} of ${raw.length + 1} bytes`);
  });

  test('is not whole when it is cut anywhere', () => {
    const encoded = zstdCompressSync(raw, checked);
    const cuts = encoded.length < 2_000 ? [...encoded.keys()] : Array.from({ length: 500 }, (_, n) => n * 97);
    const whole = cuts.filter(
      (length) => length < encoded.length && problemOf(encoded.subarray(0, length), raw.length) === undefined,
    );
    expect(whole).toEqual([]);
  });
});

test('frames one after the other are one content', () => {
  const encoded = Buffer.concat(
    ['first', 'second'].map((text) => zstdCompressSync(Buffer.from(text), { pledgedSrcSize: text.length })),
  );
  expect(problemOf(encoded, 11, 1)).toBeUndefined();
  expect(problemOf(encoded, 5, 1)).toBe('it holds 11 of 5 bytes');
});

test('a frame that does not say its length is taken by its end alone', () => {
  const raw = Buffer.from('abc'.repeat(1000));
  const encoded = execFileSync('zstd', ['-q', '-c'], { input: raw });
  expect(problemOf(encoded, raw.length)).toBeUndefined();
  expect(problemOf(encoded.subarray(0, -1), raw.length)).toBe('it breaks off in the middle');
});

test('other bytes are no frame', () => {
  expect(problemOf(Buffer.from('not compressed at all'), 21)).toBe('it is no zstd frame');
  expect(problemOf(Buffer.alloc(0), 0)).toBe('it breaks off in the middle');
});
