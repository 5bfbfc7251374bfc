import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { watchGzip } from '../../../src/codecs/gzip-trailer.ts';

function problemOf(encoded: Buffer, rawBytes: number, chunk: number): string | undefined {
  const watch = watchGzip();
  for (let at = 0; at < encoded.length; at += chunk) watch.update(encoded.subarray(at, at + chunk));
  return watch.problem(rawBytes);
}

test.each([0, 1, 300, 200_000])('a member of %i bytes is whole, and of no other length', (bytes) => {
  const encoded = gzipSync(Buffer.alloc(bytes, 'gzip'));
  for (const chunk of [1, 3, 65_536]) expect(problemOf(encoded, bytes, chunk)).toBeUndefined();
  expect(problemOf(encoded, bytes + 1, 1)).toBe(`it does not hold ${bytes + 1} bytes`);
});

test('a member that is cut is not whole', () => {
  const encoded = gzipSync(Buffer.from('some text that is long enough to be cut '.repeat(50)));
  const whole = [...encoded.keys()].filter((length) => problemOf(encoded.subarray(0, length), 2_000, 64) === undefined);
  expect(whole).toEqual([]);
});
