import { createReadStream } from 'node:fs';
import type { Duplex, Readable } from 'node:stream';
import type { ByteSource } from '../core/ports/codec.ts';

/** The library's way: one transform in this process. A failure of the source fails what comes out. */
export function throughLibrary(source: ByteSource, transform: Duplex): Readable {
  const input = source.type === 'file' ? createReadStream(source.path, { highWaterMark: 1 << 20 }) : source.stream;
  input.once('error', (error: Error) => transform.destroy(error));
  transform.once('close', () => input.destroy());
  return input.pipe(transform);
}
