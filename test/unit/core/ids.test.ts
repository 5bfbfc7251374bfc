import { describe, expect, test } from 'vitest';
import {
  compactTime,
  createBackupId,
  deriveTargetName,
  isBackupId,
  isObjectKey,
  isTargetName,
  keyIn,
  parseObjectKey,
  parseTargetName,
} from '../../../src/core/ids.ts';

describe('backup ids', () => {
  test('an id is a UTC time and eight hexadecimal digits', () => {
    const id = createBackupId(new Date('2026-11-20T02:03:04.999Z'), Uint8Array.of(0, 1, 0xab, 0xff, 9));
    expect(id).toBe('20261120T020304Z-0001abff');
    expect(isBackupId(id)).toBe(true);
    expect(isObjectKey(id)).toBe(true);
  });

  test('E7: two ids of one second differ by their random part', () => {
    const now = new Date();
    expect(createBackupId(now, Uint8Array.of(1, 2, 3, 4))).not.toBe(createBackupId(now, Uint8Array.of(1, 2, 3, 5)));
  });

  test('ids sort by their times', () => {
    const times = ['2025-12-31T23:59:59Z', '2026-01-01T00:00:00Z', '2026-02-01T00:00:00Z', '2026-11-09T09:09:09Z'];
    const ids = times.map((time) => createBackupId(new Date(time), new Uint8Array(4)));
    expect(ids.toSorted()).toEqual(ids);
    expect(compactTime(new Date('2026-11-09T09:09:09.123Z'))).toBe('20261109T090909Z');
  });

  test.each([
    '',
    'latest',
    '20261120T020304Z',
    '20261120T020304Z-0001ABFF',
    '20261120T020304Z-0001abff\n',
    ' 20261120T020304Z-0001abff',
  ])('%j is no id', (text) => {
    expect(isBackupId(text)).toBe(false);
  });
});

describe('target names', () => {
  test.each(['a', '0', 'app', 'my-app.db', 'a_b', 'x'.repeat(63)])('%j is one', (name) => {
    expect(parseTargetName(name)).toBe(name);
  });

  test.each(['', '.', '..', 'a..b', 'app.', 'A', '-a', '.a', '_a', 'a/b', 'a b', 'a\n', 'ä', 'x'.repeat(64), '\0'])(
    '%j is none',
    (name) => {
      expect(isTargetName(name)).toBe(false);
      expect(() => parseTargetName(name)).toThrow(expect.objectContaining({ code: 'USAGE' }));
    },
  );

  test.each([
    ['My App.db', 'my-app'],
    ['app.sqlite3', 'app'],
    ['shop.db3', 'shop'],
    ['archive.tar.db', 'archive.tar'],
    ['.hidden.db', 'hidden'],
    ['..', 'database'],
    ['', 'database'],
    ['日本.db', 'database'],
    ['Café.DB', 'cafe'],
    ['a....b', 'a.b'],
    ['-rf.db', 'rf'],
    ["it's\n$(x).db", 'it-s-x'],
    [`${'long'.repeat(40)}.db`, 'long'.repeat(40).slice(0, 63)],
  ])('a database called %j gives %j', (name, expected) => {
    expect(deriveTargetName(name)).toBe(expected);
  });

  test('whatever a database is called, its derived name is a target name', () => {
    const alphabet = [
      'a',
      'Z',
      '0',
      '.',
      '..',
      '-',
      '_',
      ' ',
      '/',
      '\\',
      '\0',
      'ß',
      'İ',
      'ﬁ',
      '\u0301',
      '💾',
      '.db',
      '\n',
    ];
    let state = 1;
    const next = (below: number): number => (state = (Math.imul(state, 48_271) & 0x7fff_ffff) >>> 0) % below;
    for (let round = 0; round < 5_000; round++) {
      const name = Array.from({ length: next(90) }, () => alphabet[next(alphabet.length)] ?? '').join('');
      expect(isTargetName(deriveTargetName(name)), JSON.stringify(name)).toBe(true);
    }
  });
});

describe('object keys', () => {
  test.each([
    'a',
    'app/20261120T020304Z-0001abff/manifest.json',
    'SHA256SUMS',
    '_x',
    'a=b+c',
    'a/b/c/d',
    'x'.repeat(200),
  ])('%j is one', (text) => {
    expect(parseObjectKey(text)).toBe(text);
  });

  test.each([
    '',
    '/',
    'a/',
    '/a',
    'a//b',
    '.',
    '..',
    'a/..',
    'a/.b',
    '-a',
    'a b',
    'a\\b',
    'a\0',
    'ä',
    'a.',
    'a./b',
    'x'.repeat(201),
    'x/'.repeat(451) + 'x',
  ])('D1: %j is none', (text) => {
    expect(isObjectKey(text)).toBe(false);
    expect(() => parseObjectKey(text)).toThrow(expect.objectContaining({ code: 'DAMAGED' }));
  });

  test('the error about a hostile key shows at most the beginning of it', () => {
    expect(() => parseObjectKey('../'.repeat(10_000))).toThrow(
      expect.objectContaining({ message: expect.stringMatching(/^.{1,250}$/) }),
    );
  });

  test('a name is joined to a prefix, and stands alone without one', () => {
    expect(keyIn('app/x', 'a.db')).toBe('app/x/a.db');
    expect(keyIn('', 'a.db')).toBe('a.db');
    expect(() => keyIn('app', '../x')).toThrow(expect.objectContaining({ code: 'DAMAGED' }));
  });
});
