import { describe, expect, test } from 'vitest';
import {
  formatAge,
  formatBytes,
  formatDuration,
  formatTable,
  formatTime,
  plain,
  plainLines,
} from '../../../src/report/format.ts';

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1_000, '1.0 kB'],
  [1_049, '1.0 kB'],
  [9_949, '9.9 kB'],
  [9_950, '10 kB'],
  [999_499, '999 kB'],
  [999_500, '1.0 MB'],
  [1_300_000, '1.3 MB'],
  [5e9, '5.0 GB'],
  [7.2e12, '7.2 TB'],
  [3e15, '3.0 PB'],
  [4e18, '4000 PB'],
])('%d bytes are %s', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

test.each([
  [0, '0.0 s'],
  [440, '0.4 s'],
  [9_949, '9.9 s'],
  [9_950, '10 s'],
  [59_499, '59 s'],
  [59_500, '1 min 0 s'],
  [200_000, '3 min 20 s'],
  [3_599_499, '59 min 59 s'],
  [3_599_500, '1 h 0 min'],
  [7_500_000, '2 h 5 min'],
  [360_000_000, '100 h 0 min'],
])('%d ms are %s', (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});

test.each([
  [-61, 'in the future'],
  [-60, 'just now'],
  [0, 'just now'],
  [59, 'just now'],
  [60, '1 min ago'],
  [3_599, '59 min ago'],
  [3_600, '1 h ago'],
  [172_799, '47 h ago'],
  [172_800, '2 days ago'],
  [86_400 * 400, '400 days ago'],
])('an age of %d s is %s', (seconds, text) => {
  const now = new Date('2026-11-20T02:00:00Z');
  expect(formatAge(new Date(now.getTime() - seconds * 1000), now)).toBe(text);
});

test('times are told in UTC', () => {
  expect(formatTime(new Date('2026-11-20T03:04:05.999+01:00'))).toBe('2026-11-20 02:04:05 UTC');
});

describe('text from outside', () => {
  test('no control character reaches the terminal', () => {
    for (let code = 0; code < 0xa0; code++) {
      const char = String.fromCharCode(code);
      const control = code < 0x20 || code >= 0x7f;
      expect(plain(`a${char}b`)).toBe(control ? `a\\u${code.toString(16).padStart(4, '0')}b` : `a${char}b`);
    }
  });

  test.each(['\u2028', '\u2029', '\u200e', '\u200f', '\u061c', '\u202a', '\u202e', '\u2066', '\u2069'])(
    'no character that turns the direction of writing or breaks a line does either: %j',
    (char) => {
      expect(plain(`app${char}bd.`)).toBe(`app\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}bd.`);
    },
  );

  test('letters of all scripts and signs stay', () => {
    expect(plain('Zürich 日本 עברית 💾')).toBe('Zürich 日本 עברית 💾');
  });

  test('only a text of several lines keeps its line breaks', () => {
    expect(plain('a\nb')).toBe('a\\u000ab');
    expect(plainLines('a\nb\r\u001b[2J')).toBe('a\nb\\u000d\\u001b[2J');
  });
});

describe('tables', () => {
  test('columns are aligned, numbers to the right, and no line ends in blanks', () => {
    const table = formatTable(
      ['NAME', 'SIZE>', 'NOTE'],
      [
        ['a', '1', ''],
        ['long name', '1000', 'x'],
      ],
    );
    expect(table.split('\n')).toEqual(['NAME       SIZE  NOTE', 'a             1', 'long name  1000  x']);
  });

  test('a cell cannot break the table', () => {
    const table = formatTable(['NAME'], [['a\nb\u001b[31m']]);
    expect(table.split('\n')).toEqual(['NAME', 'a\\u000ab\\u001b[31m']);
  });
});
