import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { seal, unseal } from '../../../src/core/sealed-json.ts';

const document = { formatVersion: 1, name: 'ä "quoted" \u2028', list: [1, 2.5, null], nested: { empty: {}, no: [] } };
const sealed = seal(document);
const damaged = expect.objectContaining({ name: 'DbopsError', code: 'DAMAGED' });

/** A file with a right seal around any text: what somebody can make who knows the format. */
function sealByHand(body: string): Buffer {
  const digest = createHash('sha256').update(body).digest('hex');
  return Buffer.from(`${body},\n  "sha256OfTheAbove": "${digest}"\n}\n`);
}

test('a sealed document comes back', () => {
  expect(unseal(sealed, 'x.json')).toEqual(document);
});

test('it is plain JSON with one more member, last and on a line of its own', () => {
  const text = sealed.toString();
  expect(text).toMatch(/,\n {2}"sha256OfTheAbove": "[0-9a-f]{64}"\n}\n$/);
  expect(JSON.parse(text)).toMatchObject(document);
});

test('the digest is the one that `head -c` and `sha256sum` give of the bytes before the seal', () => {
  const text = sealed.toString();
  const body = text.slice(0, text.lastIndexOf(',\n  "sha256OfTheAbove"'));
  expect(text).toContain(createHash('sha256').update(body).digest('hex'));
});

describe('C1, C2, C3: every damage of a single byte is noticed', () => {
  test('every flipped bit of every byte', () => {
    for (let at = 0; at < sealed.length; at++) {
      for (let bit = 0; bit < 8; bit++) {
        const changed = Buffer.from(sealed);
        changed[at] = (changed[at] ?? 0) ^ (1 << bit);
        expect(() => unseal(changed, 'x.json'), `bit ${bit} of byte ${at}`).toThrow(damaged);
      }
    }
  });

  test('every removed byte, and every cut', () => {
    for (let at = 0; at < sealed.length; at++) {
      const without = Buffer.concat([sealed.subarray(0, at), sealed.subarray(at + 1)]);
      expect(() => unseal(without, 'x.json'), `without byte ${at}`).toThrow(damaged);
      expect(() => unseal(sealed.subarray(0, at), 'x.json'), `cut at ${at}`).toThrow(damaged);
    }
  });

  test.each([0, 0x0a, 0x20, 0x30, 0x7d, 0xc3, 0xff])('an inserted byte %d, wherever it is', (byte) => {
    for (let at = 0; at <= sealed.length; at++) {
      const more = Buffer.concat([sealed.subarray(0, at), Buffer.from([byte]), sealed.subarray(at)]);
      expect(() => unseal(more, 'x.json'), `before byte ${at}`).toThrow(damaged);
    }
  });

  test('an invalid byte that reads as the replacement character which was written', () => {
    const odd = seal({ name: '\ufffd' });
    const at = odd.indexOf(Buffer.from('\ufffd'));
    const changed = Buffer.concat([odd.subarray(0, at), Buffer.from([0xff]), odd.subarray(at + 3)]);
    expect(() => unseal(changed, 'x.json')).toThrow(damaged);
  });
});

describe('D3: a right seal around what dbops never writes', () => {
  test.each([
    ['no JSON', '{\n  "a": nonsense'],
    ['nothing', ''],
    ['a list', '[1'],
    ['a key that occurs twice', '{\n  "a": 1,\n  "a": 2'],
    ['a key that occurs twice, further down', '{\n  "a": {\n    "b": 1,\n    "b": 1\n  }'],
    ['a number beyond all doubles', '{\n  "a": 1e999'],
    ['a number that no double holds', '{\n  "a": 9007199254740993'],
    ['other white space', '{ "a": 1'],
    ['nesting without end', `{\n  "a": ${'['.repeat(200_000)}${']'.repeat(200_000)}`],
  ])('%s is refused as damaged', (_, body) => {
    expect(() => unseal(sealByHand(body), 'x.json')).toThrow(damaged);
  });

  test('a key called __proto__ stays a key, and changes no other object', () => {
    const read = unseal(sealByHand('{\n  "__proto__": {\n    "polluted": true\n  }'), 'x.json');
    expect(Object.keys(read)).toEqual(['__proto__']);
    expect(Object.getPrototypeOf(read)).toBe(Object.prototype);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });
});

test('a million bytes of almost a seal are refused quickly', () => {
  const hostile = Buffer.from(',\n  "sha256OfTheAbove": "'.repeat(40_000));
  const started = performance.now();
  expect(() => unseal(hostile, 'x.json')).toThrow(damaged);
  expect(performance.now() - started).toBeLessThan(1_000);
});
