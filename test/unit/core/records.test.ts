import { describe, expect, test } from 'vitest';
import {
  isGood,
  isRecordName,
  parsePin,
  parseVerification,
  parseVerificationName,
  serializeRecord,
  verificationName,
  type Verification,
  type VerificationNote,
} from '../../../src/core/records.ts';
import { seal } from '../../../src/core/sealed-json.ts';

const record: Verification = {
  formatVersion: 1,
  level: 'restore',
  ok: false,
  at: '2026-11-20T02:00:00.123Z',
  durationMs: 12,
  host: 'db1',
  problems: ['table "a" has 1 row, had 2 rows'],
  warnings: [],
  checks: [{ name: 'sums', ok: false, rows: 3 }],
};

/** `1c+` is: at second 1, a checksum verification succeeded; `2R-`: at second 2 a restore failed. */
function notes(script: string): VerificationNote[] {
  const levels = { c: 'checksum', s: 'structure', r: 'restore' } as const;
  return script
    .split(' ')
    .filter((word) => word !== '')
    .map(([second = '0', level = 'c', outcome]) => ({
      at: new Date(Number(second) * 1000),
      level: levels[level as keyof typeof levels],
      ok: outcome === '+',
    }));
}

describe('a backup is good', () => {
  test.each([
    '',
    '1c+',
    '1c+ 2s+ 3r+',
    '1c- 2c+',
    '1c- 2s+',
    '1c- 2r+',
    '1s- 2r+',
    '1r- 2r+',
    '1r- 2c- 3r+',
    '2c+ 1c-',
    '3r+ 2r- 1c-',
  ])('after %j', (script) => {
    expect(isGood(notes(script))).toBe(true);
  });
});

describe('a backup is not good', () => {
  test.each([
    '1c-',
    '1r-',
    '1c+ 2c-',
    '1r+ 2c-',
    '1r- 2c+',
    '1r- 2s+',
    '1s- 2c+',
    '1r- 2c+ 3s+',
    '1r- 2c- 3c+',
    '2r- 1r+',
    '1c- 2r- 3s+',
  ])('after %j', (script) => {
    expect(isGood(notes(script))).toBe(false);
  });
});

describe('the name of a record', () => {
  test('it says when, how deep and with what outcome, and reads back', () => {
    const name = verificationName(record, Uint8Array.of(0x4f, 0x7a, 0x2c, 0x1e, 0xff));
    expect(name).toBe('verify.20261120T020000Z-4f7a2c1e.restore.bad.json');
    expect(parseVerificationName(name)).toEqual({ at: new Date('2026-11-20T02:00:00Z'), level: 'restore', ok: false });
  });

  test.each([
    'verify.json',
    'verify.20261120T020000Z-4f7a2c1e.restore.good.json',
    'verify.20261120T020000Z-4f7a2c1e.all.ok.json',
    'verify.20261120T020000Z-4f7a2c1.restore.ok.json',
    'verify.20261320T020000Z-4f7a2c1e.restore.ok.json',
    'verify.20261120T020000Z-4f7a2c1e.restore.ok.json.zst',
    'x/verify.20261120T020000Z-4f7a2c1e.restore.ok.json',
    'verify.20261120T020000Z-4f7a2c1e.restore.ok.json\n',
    'PIN.json',
    'manifest.json',
  ])('%j names no record', (name) => {
    expect(parseVerificationName(name)).toBeUndefined();
    expect(isRecordName(name)).toBe(false);
  });

  test('a pin is a record too', () => {
    expect(isRecordName('pin.json')).toBe(true);
  });
});

describe('the content of a record', () => {
  test('it comes back, with members that are not known yet', () => {
    const later = { ...record, machine: 'x' };
    expect(parseVerification(serializeRecord(later), 'v')).toEqual(later);
    const pin = { formatVersion: 1, pinned: true, at: '2026-11-20T02:00:00Z' } as const;
    expect(parsePin(serializeRecord(pin), 'pin.json')).toEqual(pin);
  });

  test.each([
    ['another version', { ...record, formatVersion: 2 }],
    ['a level nobody knows', { ...record, level: 'all' }],
    ['an outcome that is neither', { ...record, ok: 'yes' }],
    ['a negative duration', { ...record, durationMs: -1 }],
    ['checks of another shape', { ...record, checks: ['ok'] }],
  ])('%s is DAMAGED', (_, document) => {
    expect(() => parseVerification(seal(document), 'v')).toThrow(expect.objectContaining({ code: 'DAMAGED' }));
  });

  test('a pin that does not say whether is DAMAGED', () => {
    const pin = seal({ formatVersion: 1, pinned: 'yes', at: '2026-11-20T02:00:00Z' });
    expect(() => parsePin(pin, 'pin.json')).toThrow(expect.objectContaining({ code: 'DAMAGED' }));
  });
});
