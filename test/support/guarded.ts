import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { DbopsError } from '../../src/core/errors.ts';
import { guardScript, type GuardOptions } from '../../src/engines/postgres/script/guard.ts';

export interface Guarded {
  /** What passed, before a failure too. */
  readonly passed: string;
  readonly error: DbopsError | undefined;
}

/** Sends a script through the guard in pieces; what passed is read as Latin-1. */
export async function guarded(
  script: string | Buffer,
  options: Partial<GuardOptions> = {},
  size = 65_536,
): Promise<Guarded> {
  const bytes = Buffer.from(script as string);
  const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) =>
    bytes.subarray(at * size, (at + 1) * size),
  );
  const guard = guardScript({ allowMeta: false, allowConnect: false, ...options });
  const passed: Buffer[] = [];
  const sink = new Writable({
    write(piece: Buffer, _encoding, done) {
      passed.push(piece);
      done();
    },
  });
  const text = (): string => Buffer.concat(passed).toString('latin1');
  try {
    await pipeline(Readable.from(pieces), guard, sink);
    return { passed: text(), error: undefined };
  } catch (error) {
    if (!(error instanceof DbopsError)) throw error;
    return { passed: text(), error };
  }
}
