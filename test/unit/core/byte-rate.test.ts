import { expect, test } from 'vitest';
import { isByteRate, parseByteRate } from '../../../src/core/byte-rate.ts';

test.each([
  ['1000', 1_000],
  ['500kB', 500_000],
  ['10MB', 10_000_000],
  ['10mb/s', 10_000_000],
  ['1MiB', 1_048_576],
  ['2 GiB', 2_147_483_648],
  ['3G', 3_000_000_000],
])('%s is %i bytes a second', (text, bytes) => {
  expect(isByteRate(text)).toBe(true);
  expect(parseByteRate(text)).toBe(bytes);
});

test.each(['', '0', '999', '0MB', '-1MB', '1.5MB', '10 parsecs', 'MB', '1e6', '1000\n', 'constructor'])(
  '%j is no rate',
  (text) => {
    expect(isByteRate(text)).toBe(false);
    expect(() => parseByteRate(text)).toThrow(expect.objectContaining({ code: 'USAGE' }));
  },
);
