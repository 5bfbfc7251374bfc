import { Readable } from 'node:stream';
import type { ObjectKey } from '../../src/core/ids.ts';
import { parseObjectKey } from '../../src/core/ids.ts';
import type { ObjectInfo, Storage } from '../../src/core/ports/storage.ts';

/** Call options whose signal is never aborted. */
export const patient = { signal: new AbortController().signal } as const;

export function key(text: string): ObjectKey {
  return parseObjectKey(text);
}

/** A body of these pieces, as bytes. */
export function bodyOf(...pieces: readonly (string | Uint8Array)[]): Readable {
  return Readable.from(
    pieces.map((piece) => Buffer.from(piece as Uint8Array)),
    { objectMode: false },
  );
}

/** A body that gives these pieces and fails then. */
export function failingBody(error: Error, ...pieces: readonly (string | Uint8Array)[]): Readable {
  async function* give(): AsyncGenerator<Buffer> {
    for (const piece of pieces) yield Buffer.from(piece as Uint8Array);
    throw error;
  }
  return Readable.from(give(), { objectMode: false });
}

/** A body that gives all of another but its end, and fails there. */
export function breakingLate(body: Readable): Readable {
  async function* give(): AsyncGenerator<Buffer> {
    const bytes = await bytesOf(body);
    yield bytes.subarray(0, bytes.length >> 1);
    throw new Error('part broke');
  }
  return Readable.from(give(), { objectMode: false });
}

/** A body that gives one piece, says so, and then never goes on by itself. */
export function stuckBody(piece: Uint8Array, onStuck: () => void): Readable {
  let given = false;
  return new Readable({
    read() {
      if (given) return onStuck();
      given = true;
      this.push(piece);
      return undefined;
    },
  });
}

export async function bytesOf(source: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of source as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

export async function contentOf(storage: Storage, name: string): Promise<string> {
  return (await bytesOf(await storage.get(key(name), patient))).toString();
}

export async function infosOf(storage: Storage, prefix = ''): Promise<ObjectInfo[]> {
  const infos: ObjectInfo[] = [];
  for await (const info of storage.list(prefix, patient)) infos.push(info);
  return infos;
}

export async function keysOf(storage: Storage, prefix = ''): Promise<string[]> {
  return (await infosOf(storage, prefix)).map((info) => info.key);
}

/** Bytes that look random and are the same in every run. */
export function noise(length: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(length);
  let state = seed >>> 0;
  for (let at = 0; at < length; at++) {
    // Numerical Recipes' linear congruential generator; its high byte is even enough for a compressor to give up.
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[at] = state >>> 24;
  }
  return bytes;
}
