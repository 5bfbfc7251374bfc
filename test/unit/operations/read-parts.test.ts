import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { createCodecs } from '../../../src/codecs/codecs.ts';
import type { Manifest } from '../../../src/core/manifest.ts';
import type { Codecs } from '../../../src/core/ports/codec.ts';
import type { PartSource } from '../../../src/core/ports/engine.ts';
import { openParts } from '../../../src/operations/read-parts.ts';
import { createMemoryStorage } from '../../../src/storage/memory/memory-storage.ts';
import { ageKey, keyringFor, publicKey } from '../../support/age-keys.ts';
import { bodyOf, bytesOf, key, noise, patient } from '../../support/bodies.ts';
import { childrenGone } from '../../support/children.ts';
import { aManifest } from '../../support/manifests.ts';

const codecs = createCodecs('/usr/bin:/bin', keyringFor(publicKey));
const library = createCodecs(undefined, keyringFor(publicKey));
const content = noise(300_000);
const measure = (bytes: Buffer): { bytes: number; sha256: string } => ({
  bytes: bytes.length,
  sha256: createHash('sha256').update(bytes).digest('hex'),
});

type Part = Manifest['parts'][number];

/** What a backup of `content` looks like, with its stored bytes and its manifest changed. */
async function partsOf({
  stored = (bytes: Buffer) => bytes,
  part = {} as Partial<Part>,
  chain = ['zstd'],
  by = codecs,
  reader = undefined as Codecs | undefined,
}): Promise<PartSource> {
  let bytes = content;
  for (const id of chain) {
    bytes = await bytesOf(
      (await codecs.byId(id)?.encode({ type: 'stream', stream: bodyOf(bytes) }, patient)) ?? bodyOf(),
    );
  }
  const name = key('app.db');
  const described = { name, ...measure(bytes), raw: measure(content), codecs: chain.map((id) => ({ id })), ...part };
  const storage = createMemoryStorage();
  await storage.put(key('app/x/app.db'), bodyOf(stored(bytes)), patient);
  return openParts(storage, 'app/x', aManifest({ parts: [described] }).parts, reader ?? by);
}

const read = async (parts: PartSource): Promise<Buffer> => bytesOf(await parts.open('app.db', patient));

/** Of what was read; a failing test should not print megabytes. */
const lengthOf = async (parts: PartSource): Promise<number> => (await read(parts)).length;

test.each([[[]], [['zstd']], [['gzip']], [['gzip', 'zstd']], [['age']], [['zstd', 'age']]])(
  'a part through %j comes back',
  async (chain) => {
    const parts = await partsOf({ chain });
    expect(parts.parts).toEqual([{ name: 'app.db', decodedName: 'app.db', bytes: 300_000 }]);
    expect((await read(parts)).equals(content)).toBe(true);
  },
);

test('what its content is called is its name without what the codecs put behind it', async () => {
  const parts = ['db.dump.zst', 'db/toc.dat', 'db.sql.gz.zst'].map((name, index) => ({
    name: key(name),
    bytes: 1,
    sha256: 'a'.repeat(64),
    codecs: [[{ id: 'zstd' }], [], [{ id: 'gzip' }, { id: 'zstd' }]][index] ?? [],
  }));
  const source = openParts(createMemoryStorage(), 'app/x', aManifest({ parts }).parts, codecs);
  expect(source.parts).toEqual([
    { name: 'db.dump.zst', decodedName: 'db.dump', bytes: undefined },
    { name: 'db/toc.dat', decodedName: 'db/toc.dat', bytes: undefined },
    { name: 'db.sql.gz.zst', decodedName: 'db.sql', bytes: undefined },
  ]);
});

test('content of which nothing was recorded is held against the bytes that were stored', async () => {
  const bare = { raw: undefined } as unknown as Partial<Part>;
  expect(await lengthOf(await partsOf({ part: bare }))).toBe(content.length);
  const spoilt = await partsOf({ part: bare, stored: (bytes) => Buffer.concat([bytes, Buffer.from([0])]) });
  await expect(read(spoilt)).rejects.toMatchObject({ code: 'DAMAGED' });
});

describe.each([
  ['the programs', codecs],
  ['the library', library],
])('damage is told, read by %s', (_, by) => {
  const flip = (at: (bytes: Buffer) => number) => (bytes: Buffer) => {
    const changed = Buffer.from(bytes);
    const index = at(bytes);
    changed[index] = (changed[index] ?? 0) ^ 1;
    return changed;
  };
  const damages: readonly (readonly [what: string, stored: (bytes: Buffer) => Buffer])[] = [
    ['C1: the first byte is another', flip(() => 0)],
    ['C1: a byte in the middle is another', flip((bytes) => bytes.length >> 1)],
    ['C1: the last byte is another', flip((bytes) => bytes.length - 1)],
    ['C2: nothing is left', () => Buffer.alloc(0)],
    ['C2: half is left', (bytes) => bytes.subarray(0, bytes.length >> 1)],
    ['C2: the last byte is gone', (bytes) => bytes.subarray(0, -1)],
    ['C3: a byte stands behind', (bytes) => Buffer.concat([bytes, Buffer.from([0])])],
    ['C3: as much again stands behind', (bytes) => Buffer.concat([bytes, bytes])],
    ['C4: another frame stands there', () => noise(1_000, 9)],
  ];
  for (const chain of [['zstd'], ['gzip'], ['age'], ['zstd', 'age'], []]) {
    test.each(damages)(`%s (${chain.join(', ')})`, async (_name, stored) => {
      const parts = await partsOf({ stored, chain, by });
      await expect(lengthOf(parts)).rejects.toMatchObject({
        code: 'DAMAGED',
        message: expect.stringContaining('app/x/app.db'),
      });
      await childrenGone();
    });
  }
});

describe('the content must be what was backed up, however well it decodes', () => {
  const raw = measure(content);
  test.each<[string, Partial<Part>]>([
    ['more bytes than recorded', { raw: { ...raw, bytes: raw.bytes - 1 } }],
    ['fewer bytes than recorded', { raw: { ...raw, bytes: raw.bytes + 1 } }],
    ['another digest', { raw: { ...raw, sha256: 'a'.repeat(64) } }],
    ['D3: a bomb: a thousand times more than recorded', { raw: { ...raw, bytes: 300 } }],
  ])('%s', async (_, part) => {
    await expect(partsOf({ part }).then(lengthOf)).rejects.toMatchObject({
      code: 'DAMAGED',
      message: expect.stringContaining('the content of'),
    });
    await childrenGone();
  });
});

test('D3: of a bomb not one byte more than recorded comes out', async () => {
  const part = { raw: { bytes: 300, sha256: 'a'.repeat(64) } };
  let bytes = 0;
  const read = async (): Promise<void> => {
    const stream = await (await partsOf({ part })).open('app.db', patient);
    for await (const chunk of stream as AsyncIterable<Buffer>) bytes += chunk.length;
  };
  await expect(read()).rejects.toMatchObject({ code: 'DAMAGED', message: expect.stringContaining('more bytes') });
  expect(bytes).toBeLessThanOrEqual(300);
  await childrenGone();
});

test('a codec that this dbops does not know says to upgrade', async () => {
  const parts = await partsOf({ part: { codecs: [{ id: 'xz' }] } });
  await expect(lengthOf(parts)).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    hint: expect.stringContaining('Upgrade'),
  });
});

test('C5: an object that is missing is OBJECT_MISSING, a part that is not in the manifest is DAMAGED', async () => {
  const parts = openParts(createMemoryStorage(), 'app/x', aManifest().parts, codecs);
  await expect(parts.open('app.db.zst', patient)).rejects.toMatchObject({ code: 'OBJECT_MISSING' });
  await expect(parts.open('other', patient)).rejects.toMatchObject({ code: 'DAMAGED' });
});

test('who stops reading leaves no program behind', async () => {
  const stream = await (await partsOf({})).open('app.db', patient);
  stream.once('error', () => undefined);
  await new Promise((resolve) => stream.once('readable', resolve));
  stream.destroy();
  await childrenGone();
});

async function* failingAfter(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
  throw new Error('zstd exited with 1');
}

describe('a decoder that fails although the stored bytes are right', () => {
  const zstd = library.parse('zstd');
  if (zstd === undefined) throw new Error('the library has no zstd');
  const failing = {
    ...zstd,
    decode: () => Promise.resolve(Readable.from(failingAfter(content.subarray(0, 10)), { objectMode: false })),
  };
  const broken = { ...codecs, byId: (id: string) => (id === 'zstd' ? failing : codecs.byId(id)) };

  test('is to blame itself: TOOL_FAILED, with the program named', async () => {
    await expect(partsOf({ by: broken }).then(lengthOf)).rejects.toMatchObject({
      code: 'TOOL_FAILED',
      message: expect.stringContaining('app/x/app.db'),
      hint: expect.stringContaining('zstd'),
    });
  });

  test('is not to blame when the stored bytes have changed too', async () => {
    const stored = (bytes: Buffer): Buffer => Buffer.concat([bytes, Buffer.from([0])]);
    await expect(partsOf({ by: broken, stored }).then(lengthOf)).rejects.toMatchObject({ code: 'DAMAGED' });
  });
});

describe.each([[['age']], [['zstd', 'age']]])('what is encrypted through %j', (chain) => {
  const change = (at: (bytes: Buffer) => number) => (bytes: Buffer) => {
    const changed = Buffer.from(bytes);
    changed.writeUInt8(changed.readUInt8(at(bytes)) ^ 1, at(bytes));
    return changed;
  };

  test('C13: a wrong key is no damage of the backup, and names the file and the keys', async () => {
    const other = await ageKey();
    const parts = await partsOf({ chain, reader: createCodecs('/usr/bin:/bin', keyringFor(other)) });
    await expect(read(parts)).rejects.toMatchObject({
      code: 'KEY_REFUSED',
      message: `app/x/app.db: it is encrypted for another key; tried: ${other.file} (${other.recipient})`,
    });
    await childrenGone();
  });

  test.each([
    [
      'a byte of its content',
      change((bytes) => bytes.length >> 1),
      /app\/x\/app\.db: .*a byte was changed in the block/,
    ],
    ['a byte of its header', change((bytes) => bytes.indexOf('\n--- ') + 10), /app\/x\/app\.db: .*header was changed/],
    ['a byte for whom it is', change((bytes) => bytes.indexOf('X25519 ') + 12), /header was changed/],
    ['its end', (bytes: Buffer) => bytes.subarray(0, -70_000), /app\/x\/app\.db in .* has \d+ bytes, should have \d+/],
  ])('C1: %s has a message of its own', async (_, stored, message) => {
    const error: unknown = await read(await partsOf({ chain, stored })).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'DAMAGED', message: expect.stringMatching(message) as unknown });
    await childrenGone();
  });
});
