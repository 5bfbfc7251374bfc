import { createReadStream } from 'node:fs';
import { open, readdir, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { DbopsError, hasCode, messageOf, rootOf } from '../core/errors.ts';
import type { Codec } from '../core/ports/codec.ts';
import type { CallOptions } from '../core/ports/storage.ts';
import type { Ports } from './ports.ts';
import { nothingRecorded } from './recorded.ts';
import type { Restorable } from './restorable.ts';

/**
 * A folder that is a dump in itself, such as pg_dump writes with several jobs; undefined when no engine knows it.
 */
export async function openForeignFolder(path: string, ports: Ports): Promise<Restorable | undefined> {
  const entries = await readdir(path, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isFile()).map(({ name }) => name);
  const engine = await ports.engineByFolder(names);
  if (engine === undefined) return undefined;
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(path, name))).size));
  return {
    label: path,
    engine,
    bytes: sizes.reduce((sum, bytes) => sum + bytes, 0),
    parts: {
      parts: names.map((name, index) => ({ name, decodedName: name, bytes: sizes[index] })),
      open: (name, callOptions) => openDecoded(join(path, name), [], callOptions),
    },
    encrypted: false,
    recall: nothingRecorded,
    stored: undefined,
  };
}

/** A plain, compressed or encrypted database file that dbops did not make; what it is is read off its first bytes. */
export async function openForeign(path: string, ports: Ports, options: CallOptions): Promise<Restorable> {
  const { chain, head } = await recogniseChain(path, ports, options);
  const engine = await ports.engineByHead(head);
  if (engine === undefined) {
    throw new DbopsError('DAMAGED', `${path} does not hold a database that dbops knows`, {
      hint: 'Known are SQLite files and dumps of PostgreSQL, plain, compressed by gzip or zstd, or encrypted by age.',
    });
  }
  if (chain.length === 0) await engine.refuseIncomplete(path);
  const bytes = chain.length === 0 ? (await stat(path)).size : undefined;
  const name = basename(path);
  return {
    label: path,
    engine,
    bytes,
    parts: {
      parts: [{ name, decodedName: chain.reduce(withoutSuffix, name), bytes }],
      open: (_name, callOptions) => openDecoded(path, chain, callOptions),
    },
    encrypted: chain.some(({ id }) => id === 'age'),
    recall: nothingRecorded,
    stored: undefined,
  };
}

// Whatever is wrapped more often than this was made to keep us busy.
const mostCodecs = 4;

interface Chain {
  /** In the order of decoding. */
  readonly chain: readonly Codec[];
  /** How the content begins. */
  readonly head: Buffer;
}

async function recogniseChain(path: string, { codecs }: Ports, options: CallOptions): Promise<Chain> {
  const chain: Codec[] = [];
  let head = await readHead(path);
  for (;;) {
    const codec = chain.length < mostCodecs ? codecs.recognise(head) : undefined;
    if (codec === undefined) return { chain, head };
    chain.push(codec);
    head = await decodedHead(path, chain, options);
  }
}

function withoutSuffix(name: string, { suffix }: Codec): string {
  return name.endsWith(suffix) ? name.slice(0, -suffix.length) : name;
}

async function readHead(path: string): Promise<Buffer> {
  try {
    await using file = await open(path, 'r');
    const { buffer, bytesRead } = await file.read(Buffer.alloc(512), 0, 512, 0);
    return buffer.subarray(0, bytesRead);
  } catch (error) {
    if (!hasCode(error, 'ENOENT'))
      throw new DbopsError('STORAGE_FAILED', `${path}: ${messageOf(error)}`, { cause: error });
    throw new DbopsError('NOTHING_MATCHES', `${path} does not exist`, {
      hint: `Look what is in ${dirname(resolve(path))}.`,
    });
  }
}

async function decodedHead(path: string, chain: readonly Codec[], options: CallOptions): Promise<Buffer> {
  const stop = new AbortController();
  const signal = AbortSignal.any([options.signal, stop.signal]);
  try {
    for await (const chunk of (await openDecoded(path, chain, { signal })) as AsyncIterable<Buffer>) return chunk;
    return Buffer.alloc(0);
  } finally {
    stop.abort();
  }
}

async function openDecoded(path: string, chain: readonly Codec[], options: CallOptions): Promise<Readable> {
  const file = createReadStream(path, { highWaterMark: 1 << 20, signal: options.signal });
  if (chain.length === 0) return file;
  let stream: Readable = file;
  for (const codec of chain) stream = await codec.decode(stream, options);
  return Readable.from(decoded(stream, path), { objectMode: false });
}

// A program that cannot decompress says so by its status, a library by an error of its own.
async function* decoded(source: Readable, path: string): AsyncGenerator<Buffer> {
  try {
    yield* source as AsyncIterable<Buffer>;
  } catch (error) {
    if (error instanceof Error && error.name === 'AbortError') throw error;
    const root = rootOf(error);
    if (root !== undefined) {
      const { code, message, hint } = root;
      throw new DbopsError(code, `${path}: ${message}`, { ...(hint === undefined ? {} : { hint }), cause: error });
    }
    throw new DbopsError('DAMAGED', `${path} cannot be decompressed: it is damaged or cut short`, {
      hint: 'Copy it again from where it came from, or use another one.',
      cause: error,
    });
  }
}
