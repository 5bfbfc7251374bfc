import type { Duplex, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import type { CodecWatch } from '../../../core/ports/codec.ts';
import { watchLz4 } from './lz4-frame.ts';
import type { MemberWatch } from './members.ts';

/** What pg_dump appends to the name of a file that it compressed; the longer ones came with pg_dump 16. */
export const suffixes = ['', '.gz', '.lz4', '.zst'] as const;

/** Who follows a compressor's own format: Node's decompressors do not mind when zstd breaks off, or gzip goes on. */
export type Encodings = Readonly<Record<'gzip' | 'zstd', () => CodecWatch>>;

/** Reads a file of a directory archive to its end and gives what is wrong with it. Rejects when the stream fails. */
export async function checkFile(
  name: string,
  stream: Readable,
  content: MemberWatch,
  encodings: Encodings,
): Promise<string | undefined> {
  if (name.endsWith('.gz')) return await decompress(stream, createGunzip(), encodings.gzip(), content);
  if (name.endsWith('.zst')) return await decompress(stream, createZstdDecompress(), encodings.zstd(), content);
  const watch = name.endsWith('.lz4') ? watchLz4() : content;
  for await (const chunk of stream as AsyncIterable<Buffer>) watch.update(chunk);
  return watch.problem();
}

async function decompress(
  stream: Readable,
  decompressor: Duplex,
  encoded: CodecWatch,
  content: MemberWatch,
): Promise<string | undefined> {
  let bytes = 0;
  const watchEncoded = async function* (source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of source) {
      encoded.update(chunk);
      yield chunk;
    }
  };
  const watchContent = async (source: AsyncIterable<Buffer>): Promise<void> => {
    for await (const chunk of source) {
      bytes += chunk.length;
      content.update(chunk);
    }
  };
  try {
    await pipeline(stream, watchEncoded, decompressor, watchContent);
  } catch (error) {
    if (isRefusal(error)) return `it cannot be decompressed (${error.message})`;
    throw error;
  }
  return encoded.problem(bytes) ?? content.problem();
}

function isRefusal(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && /^(Z_|ZSTD_)/.test(String(error.code));
}
