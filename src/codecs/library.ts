import { createReadStream } from 'node:fs';
import { addAbortSignal, type Duplex, type Readable } from 'node:stream';
import type { ByteSource } from '../core/ports/codec.ts';

/** The library's way: one transform in this process. A failure of the source, or an abort, fails what comes out. */
export function throughLibrary(source: ByteSource, transform: Duplex, signal: AbortSignal): Readable {
  const input = open(source);
  input.once('error', (error: Error) => transform.destroy(error));
  transform.once('close', () => input.destroy());
  addAbortSignal(signal, transform);
  return input.pipe(transform);
}

function open(source: ByteSource): Readable {
  if (source.type === 'stream') return source.stream;
  return source.type === 'program' ? source.program.read() : createReadStream(source.path, { highWaterMark: 1 << 20 });
}
