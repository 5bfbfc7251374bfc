import { expect, test } from 'vitest';
import { isDuration, parseDuration } from '../../../src/core/duration.ts';

test.each([
  ['0s', 0],
  ['250ms', 250],
  ['90s', 90_000],
  ['15m', 900_000],
  ['26h', 93_600_000],
  ['30d', 2_592_000_000],
  ['12w', 7_257_600_000],
  ['1mo', 31 * 86_400_000],
  ['1y', 366 * 86_400_000],
])('%s is %d ms', (text, ms) => {
  expect(isDuration(text)).toBe(true);
  expect(parseDuration(text)).toBe(ms);
});

test.each(['', '5', 's', '-1s', '1.5h', '1 h', '1h ', '1h30m', '1H', '1min', '1e3s', '１h', '5s\n', 'constructor'])(
  '%j is no duration, and the error says how to write one',
  (text) => {
    expect(isDuration(text)).toBe(false);
    expect(() => parseDuration(text)).toThrow(
      expect.objectContaining({ code: 'USAGE', hint: expect.stringContaining('30d') }),
    );
  },
);
