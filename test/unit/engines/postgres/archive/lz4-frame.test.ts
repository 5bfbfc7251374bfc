import { expect, test } from 'vitest';
import { watchLz4 } from '../../../../../src/engines/postgres/archive/lz4-frame.ts';

const magic = '04224d18';

/** A frame of two blocks, the second one not compressed; what the flags ask for is filled with zeros. */
function frame(flags: number): Buffer {
  const fields = '00'.repeat(((flags & 8) === 0 ? 0 : 8) + ((flags & 1) === 0 ? 0 : 4));
  const sum = (flags & 16) === 0 ? '' : '00000000';
  const blocks = `03000000aabbcc${sum}02000080ddee${sum}00000000`;
  const flag = flags.toString(16).padStart(2, '0');
  return Buffer.from(`${magic}${flag}40${fields}00${blocks}${(flags & 4) === 0 ? '' : '11111111'}`, 'hex');
}

function problemOf(...pieces: readonly Uint8Array[]): string | undefined {
  const watch = watchLz4();
  for (const piece of pieces) watch.update(piece);
  return watch.problem();
}

test.each([0x40, 0x44, 0x48, 0x41, 0x50, 0x5d, 0x60])('a frame with the flags %i ends where it ends', (flags) => {
  const bytes = frame(flags);
  expect(problemOf(bytes)).toBeUndefined();
  expect(problemOf(...Array.from(bytes, (byte) => Uint8Array.of(byte)))).toBeUndefined();
  expect(problemOf(bytes, bytes)).toBeUndefined();
  const whole = Array.from(bytes.keys()).filter((length) => problemOf(bytes.subarray(0, length)) === undefined);
  expect(whole).toEqual([]);
  expect(problemOf(bytes, Uint8Array.of(4))).toBe('it breaks off in the middle of its data');
  expect(problemOf(bytes, Buffer.from('rubbish'))).toBe('it is no LZ4 frame');
});
