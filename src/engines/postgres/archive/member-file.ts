import { once } from 'node:events';
import type { Duplex, Readable } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { messageOf } from '../../../core/errors.ts';
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
  if (name.endsWith('.gz'))
    return await decompress(stream, createGunzip(), { encoded: encodings.gzip(), emptyIsWhole: false }, content);
  if (name.endsWith('.zst'))
    return await decompress(stream, createZstdDecompress(), { encoded: encodings.zstd(), emptyIsWhole: true }, content);
  const watch = name.endsWith('.lz4') ? watchLz4() : content;
  for await (const chunk of stream as AsyncIterable<Buffer>) watch.update(chunk);
  return watch.problem();
}

interface Compression {
  readonly encoded: CodecWatch;
  /** No bytes at all stand for no content. */
  readonly emptyIsWhole: boolean;
}

async function decompress(
  stream: Readable,
  decompressor: Duplex,
  { encoded, emptyIsWhole }: Compression,
  content: MemberWatch,
): Promise<string | undefined> {
  let bytesIn = 0;
  const decoded = drain(decompressor, content);
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      encoded.update(chunk);
      bytesIn += chunk.length;
      // It closes itself where it takes the content for ended; what follows is for `encoded` to see.
      if (!decompressor.writable || decompressor.write(chunk)) continue;
      await Promise.race([once(decompressor, 'drain').catch(() => undefined), decoded]);
    }
    if (decompressor.writable) decompressor.end();
    const { bytes, refusal } = await decoded;
    // pg_dump 16 to 18 writes no frame at all where zstd is given nothing: an empty large object.
    if (bytesIn === 0 && emptyIsWhole) return content.problem();
    return refusal ?? encoded.problem(bytes) ?? content.problem();
  } finally {
    decompressor.destroy();
  }
}

interface Decoded {
  readonly bytes: number;
  readonly refusal: string | undefined;
}

async function drain(decompressor: Duplex, content: MemberWatch): Promise<Decoded> {
  let bytes = 0;
  try {
    for await (const chunk of decompressor as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      content.update(chunk);
    }
    return { bytes, refusal: undefined };
  } catch (error) {
    return { bytes, refusal: `it cannot be decompressed (${messageOf(error)})` };
  }
}
