import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import type { ByteSource, Codec } from '../../src/core/ports/codec.ts';
import { bodyOf, bytesOf, failingBody, noise, patient, stuckBody } from '../support/bodies.ts';
import { childrenGone } from '../support/children.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

export interface CodecUnderTest {
  readonly codec: Codec;
  /** The same format by the other implementation: both read what the other wrote. */
  readonly other: Codec;
  /** The command with which anybody decodes the format, from its input to its output. */
  readonly tool: readonly [string, ...string[]];
}

const contents: readonly (readonly [name: string, make: () => Buffer])[] = [
  ['nothing', () => Buffer.alloc(0)],
  ['one byte', () => Buffer.from('x')],
  ['a line of text', () => Buffer.from('hello, world\n')],
  ['20 MB of noise', () => noise(20_000_000)],
  ['20 MB of one letter', () => Buffer.alloc(20_000_000, 'a')],
];

/** The contract of src/core/ports/codec.ts. */
export function codecSuite(name: string, { codec, other, tool }: CodecUnderTest): void {
  describe(`codec contract: ${name}`, () => {
    test.each(contents)('%s comes back, from a stream and from a file', async (_, make) => {
      const bytes = make();
      for (const source of [{ type: 'stream', stream: inPieces(bytes) } as const, await fileOf(bytes)]) {
        const encoded = await bytesOf(await codec.encode(source, patient));
        expect((await bytesOf(await codec.decode(inPieces(encoded), patient))).equals(bytes)).toBe(true);
      }
    });

    test.each(contents)('%s is read by the other implementation and by the plain tool', async (_, make) => {
      const bytes = make();
      const encoded = await bytesOf(await codec.encode(await fileOf(bytes), patient));
      expect((await bytesOf(await other.decode(inPieces(encoded), patient))).equals(bytes)).toBe(true);
      expect((await decodeByHand(tool, encoded)).equals(bytes)).toBe(true);
      const encodedByOther = await bytesOf(await other.encode({ type: 'stream', stream: bodyOf(bytes) }, patient));
      expect((await bytesOf(await codec.decode(inPieces(encodedByOther), patient))).equals(bytes)).toBe(true);
    });

    failures(codec);
    interruptions(codec);
  });
}

function failures(codec: Codec): void {
  test.each(['encode', 'decode'] as const)('%s fails when its stream fails after good bytes', async (direction) => {
    const start =
      direction === 'encode' ? noise(100_000) : (await encoded(codec, noise(2_000_000))).subarray(0, 500_000);
    const source = failingBody(new Error('source broke'), start);
    const result =
      direction === 'encode'
        ? codec.encode({ type: 'stream', stream: source }, patient)
        : codec.decode(source, patient);
    await expect(result.then(bytesOf)).rejects.toThrow();
    await childrenGone();
  });

  test('encode fails when its file does not exist', async () => {
    const path = join(await temporaryFolder(), 'absent');
    const result = codec.encode({ type: 'file', path, bytes: 1 }, patient);
    await expect(result.then(bytesOf)).rejects.toThrow();
  });

  test('decode fails for bytes that are not of its format', async () => {
    await expect(
      codec.decode(bodyOf('no such format, and long enough to see that'), patient).then(bytesOf),
    ).rejects.toThrow();
    await childrenGone();
  });

  test.each(['-dash.db', "quote's.db", 'new\nline.db', 'a space.db', '$(touch x).db'])(
    'B13: a file called %j is encoded as any other',
    async (name) => {
      const path = join(await temporaryFolder(), name);
      await writeFile(path, 'content');
      const bytes = await bytesOf(await codec.encode({ type: 'file', path, bytes: 7 }, patient));
      expect((await bytesOf(await codec.decode(bodyOf(bytes), patient))).toString()).toBe('content');
    },
  );
}

function interruptions(codec: Codec): void {
  test('an abort fails the stream, ends the program and lets go of the source', async () => {
    const stop = new AbortController();
    const source = stuckBody(noise(500_000), () => stop.abort(new Error('stopped by hand')));
    const result = codec.encode({ type: 'stream', stream: source }, { signal: stop.signal });
    await expect(result.then(bytesOf)).rejects.toThrow();
    await childrenGone();
    expect(source.destroyed).toBe(true);
  });

  test('who reads only the beginning leaves no program behind', async () => {
    const bytes = await encoded(codec, Buffer.alloc(30_000_000, 'abcdefgh'));
    const stream = await codec.decode(inPieces(bytes), patient);
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      expect(chunk.length).toBeGreaterThan(0);
      break;
    }
    await childrenGone();
  });

  test('a slow reader gets every byte', async () => {
    const bytes = noise(3_000_000);
    const stream = await codec.decode(inPieces(await encoded(codec, bytes)), patient);
    const chunks: Buffer[] = [];
    await pipeline(stream, async (source: AsyncIterable<Buffer>) => {
      for await (const chunk of source) {
        await new Promise(setImmediate);
        chunks.push(chunk);
      }
    });
    expect(Buffer.concat(chunks).equals(bytes)).toBe(true);
  });
}

async function encoded(codec: Codec, bytes: Buffer): Promise<Buffer> {
  return bytesOf(await codec.encode({ type: 'stream', stream: inPieces(bytes) }, patient));
}

/** A stream of uneven pieces, as files and programs give them. */
function inPieces(bytes: Buffer): Readable {
  function* cut(): Generator<Buffer> {
    for (let at = 0, size = 1; at < bytes.length; at += size, size = Math.min(size * 7, 65_536)) {
      yield bytes.subarray(at, at + size);
    }
  }
  return Readable.from(cut(), { objectMode: false });
}

async function fileOf(bytes: Buffer): Promise<ByteSource> {
  const path = join(await temporaryFolder(), 'source.db');
  await writeFile(path, bytes);
  return { type: 'file', path, bytes: bytes.length };
}

async function decodeByHand(tool: readonly string[], bytes: Buffer): Promise<Buffer> {
  const folder = await temporaryFolder();
  const [packed, plain] = [join(folder, 'packed'), join(folder, 'plain')];
  await writeFile(packed, bytes);
  await promisify(execFile)('sh', [
    '-c',
    'packed=$1 plain=$2; shift 2; "$@" < "$packed" > "$plain"',
    'sh',
    packed,
    plain,
    ...tool,
  ]);
  return readFile(plain);
}
