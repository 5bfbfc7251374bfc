import { describe, expect, test } from 'vitest';
import {
  parseManifest,
  serializeManifest,
  serializeSums,
  storedBytes,
  type Manifest,
} from '../../../src/core/manifest.ts';
import { seal } from '../../../src/core/sealed-json.ts';
import { aManifest } from '../../support/manifests.ts';

const parse = (document: object): Manifest => parseManifest(seal(document), 'manifest.json');
const [part] = aManifest().parts;

test('a manifest comes back as it was written', () => {
  const manifest = aManifest({ git: { commit: 'abcdef1' }, tags: { release: '1.2', ' odd "tag" ': '' } });
  expect(parseManifest(serializeManifest(manifest), 'manifest.json')).toEqual(manifest);
});

test('members that this version does not know are kept at every depth, and written again', () => {
  const manifest = {
    ...aManifest(),
    later: { deep: [1] },
    source: { ...aManifest().source, region: 'fsn1' },
    parts: [{ ...part, chunks: 7, raw: { ...part?.raw, blake3: 'x' }, codecs: [{ id: 'zstd', window: 27 }] }],
  };
  const read = parse(manifest);
  expect(read).toEqual(manifest);
  expect(serializeManifest(read).equals(seal(manifest))).toBe(true);
});

describe('C8: a newer format', () => {
  test.each([3, 4, 1_000])('version %d says to upgrade, and nothing else in it is judged', (formatVersion) => {
    expect(() => parse({ formatVersion, all: 'else is new' })).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', hint: expect.stringContaining('Upgrade dbops') }),
    );
  });

  test.each([0, -1, 1.5, '1', null, true, [1]])('version %j is no version', (formatVersion) => {
    expect(() => parse({ ...aManifest(), formatVersion })).toThrow(expect.objectContaining({ code: 'DAMAGED' }));
  });
});

describe('D3: what would make a reader work without end is refused', () => {
  test.each([
    ['one part twice', { parts: [part, part] }],
    ['five hundred codecs', { parts: [{ ...part, codecs: Array.from({ length: 500 }, () => ({ id: 'zstd' })) }] }],
    ['five codecs', { parts: [{ ...part, codecs: Array.from({ length: 5 }, () => ({ id: 'zstd' })) }] }],
  ])('%s', (_, change) => {
    expect(() => parse({ ...aManifest(), ...change })).toThrow(expect.objectContaining({ code: 'DAMAGED' }));
  });
});

describe('D1: the name of a part never leads out of its folder', () => {
  const names = [
    '',
    '.',
    '..',
    '../x',
    'a/../../x',
    'a/./x',
    '/etc/passwd',
    'a//b',
    'a/',
    'C:\\x',
    'a\\..\\x',
    'nul\0byte',
    'new\nline',
    'trailing.',
    'dir./x',
    '.hidden',
    'a/.hidden',
    '-dash',
    'späce',
    'a b',
    'x'.repeat(10_000),
    `${'d/'.repeat(600)}x`,
    '%2e%2e/x',
    '~/x',
    '$(id)',
  ];
  test.each(names)('%j', (name) => {
    expect(() => parse(aManifest({ parts: [{ ...part, name }] as never }))).toThrow(
      expect.objectContaining({ code: 'DAMAGED' }),
    );
  });
});

describe('D3: hostile values', () => {
  const cases: readonly (readonly [what: string, change: object])[] = [
    ['no parts', { parts: [] }],
    ['an id that leads elsewhere', { id: '../20261120T020000Z-4f7a2c1e' }],
    ['a target that leads elsewhere', { target: '..' }],
    ['a target with a slash', { target: 'a/b' }],
    ['negative bytes', { parts: [{ ...part, bytes: -1 }] }],
    ['broken bytes', { parts: [{ ...part, bytes: 1.5 }] }],
    ['bytes beyond what a number counts', { parts: [{ ...part, bytes: 2 ** 60 }] }],
    ['a digest in capitals', { parts: [{ ...part, sha256: 'A'.repeat(64) }] }],
    ['a digest with more after it', { parts: [{ ...part, sha256: `${'a'.repeat(64)}\n` }] }],
    ['a short digest', { parts: [{ ...part, raw: { bytes: 1, sha256: 'ab' } }] }],
    ['a codec that is a path', { parts: [{ ...part, codecs: [{ id: '../../bin/sh' }] }] }],
    ['a time of another calendar', { finishedAt: '20.11.2026' }],
    ['a day that does not exist', { finishedAt: '2026-02-30T00:00:00Z' }],
    ['a time without a zone', { finishedAt: '2026-11-20T02:00:01' }],
    ['an engine that is not one word', { engine: 'sqlite; rm' }],
    ['tags that are no text', { tags: { a: 1 } }],
    ['facts without tables', { facts: { schema: 'c'.repeat(64), properties: {} } }],
    [
      'a negative number of rows',
      { facts: { schema: 'c'.repeat(64), tables: [{ name: 'a', rows: -1 }], properties: {} } },
    ],
    ['nothing where warnings stand', { warnings: undefined }],
  ];
  test.each(cases)('%s is DAMAGED, and the file is named', (_, change) => {
    expect(() => parse({ ...aManifest(), ...change })).toThrow(
      expect.objectContaining({ code: 'DAMAGED', message: expect.stringContaining('manifest.json') }),
    );
  });

  test('a key called __proto__ changes no object, wherever it stands', () => {
    const hostile = (text: string): unknown => JSON.parse(text.replaceAll('PROTO', '__proto__'));
    const polluted = {
      ...aManifest(),
      ...(hostile('{"tags":{"PROTO":"x"},"options":{"PROTO":{"polluted":1}}}') as object),
    };
    const read = parse(polluted);
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
    expect((read.options as { polluted?: number }).polluted).toBeUndefined();
    expect((read.tags as { polluted?: number }).polluted).toBeUndefined();
    const root = parse(hostile(JSON.stringify({ ...aManifest(), PROTO: { engine: 'other' } })) as object);
    expect(Object.getPrototypeOf(root)).toBe(Object.prototype);
  });
});

test('the sums are the lines of sha256sum, of every part and of the manifest, in this order', () => {
  const second = { ...part, name: 'b', sha256: 'd'.repeat(64) } as NonNullable<typeof part>;
  const manifest = aManifest({ parts: [...aManifest().parts, second] });
  expect(serializeSums(manifest, 'e'.repeat(64)).toString()).toBe(
    `${'a'.repeat(64)}  app.db.zst\n${'d'.repeat(64)}  b\n${'e'.repeat(64)}  manifest.json\n`,
  );
  expect(storedBytes(manifest)).toBe(2400);
});
