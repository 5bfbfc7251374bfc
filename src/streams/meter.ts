import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { Transform, type Readable } from 'node:stream';

export type Measure = {
  readonly bytes: number;
  /** 64 hexadecimal digits. */
  readonly sha256: string;
};

/** A stream that lets bytes through and knows their number and digest once they have ended. */
export interface Meter {
  readonly stream: Transform;
  measure(): Measure;
}

export function createMeter(onBytes: (total: number, chunk: Uint8Array) => void = () => undefined): Meter {
  const hash = createHash('sha256');
  let bytes = 0;
  let measured: Measure | undefined;
  const stream = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      bytes += chunk.length;
      onBytes(bytes, chunk);
      done(null, chunk);
    },
    flush(done) {
      measured = { bytes, sha256: hash.digest('hex') };
      done();
    },
  });
  return {
    stream,
    measure: () => {
      if (measured === undefined) throw new Error('measured before its end');
      return measured;
    },
  };
}

/** A stream that lets bytes through and knows their number alone, which costs nothing. */
export function createCounter(onBytes: (total: number, chunk: Uint8Array) => void): {
  readonly stream: Transform;
  readonly bytes: () => number;
} {
  let bytes = 0;
  const stream = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      onBytes(bytes, chunk);
      done(null, chunk);
    },
  });
  return { stream, bytes: () => bytes };
}

/** Reads a stream to its end for nothing but its measure. */
export async function measureStream(
  source: Readable,
  onBytes: (total: number) => void = () => undefined,
): Promise<Measure> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of source as AsyncIterable<Buffer>) {
    hash.update(chunk);
    bytes += chunk.length;
    onBytes(bytes);
  }
  return { bytes, sha256: hash.digest('hex') };
}

/** Measures a file through one buffer that is used again and again: a stream would leave hundreds of them to collect. */
export async function measureFile(path: string, signal: AbortSignal): Promise<Measure> {
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(1 << 20);
  await using file = await open(path, 'r');
  for (let bytes = 0; ;) {
    signal.throwIfAborted();
    const { bytesRead } = await file.read(buffer, 0, buffer.length, bytes);
    if (bytesRead === 0) return { bytes, sha256: hash.digest('hex') };
    hash.update(buffer.subarray(0, bytesRead));
    bytes += bytesRead;
  }
}
