import type { Readable } from 'node:stream';
import { DbopsError } from '../../core/errors.ts';
import type { BufferPool } from './buffers.ts';
import { capacityOf, MOST_PARTS, SMALLEST_PART, type PartPlan } from './part-plan.ts';

export interface Part {
  /** From 1. */
  readonly number: number;
  readonly bytes: Buffer;
  /** Nothing comes after it. */
  readonly last: boolean;
  /** To be called when nobody reads `bytes` any more. */
  release(): void;
}

// Most objects are small files that describe others: each of them does not cost the memory of a part.
const firstGuess = 1 << 16;

/** Cuts a body into parts; an empty body gives one empty part. The next part waits for a free buffer. */
export async function* cutBody(body: Readable, plan: PartPlan, pool: BufferPool): AsyncGenerator<Part> {
  let part = await beginPart(1, plan, pool);
  for await (const chunk of body as AsyncIterable<Buffer>) {
    for (let at = 0; at < chunk.length;) {
      if (part.isFull()) {
        yield part.finish(false);
        part = await beginPart(part.number + 1, plan, pool);
      }
      at += part.take(chunk.subarray(at));
    }
  }
  yield part.finish(true);
}

interface GrowingPart {
  readonly number: number;
  isFull(): boolean;
  /** Copies what has room; gives how much that was. */
  take(bytes: Buffer): number;
  finish(last: boolean): Part;
}

async function beginPart(number: number, plan: PartPlan, pool: BufferPool): Promise<GrowingPart> {
  if (number > MOST_PARTS) throw tooLarge(plan);
  const limit = plan.bytesOf(number);
  let pooled = number === 1 && limit <= SMALLEST_PART ? undefined : await pool.acquire(limit);
  let buffer = pooled ?? Buffer.allocUnsafeSlow(firstGuess);
  let filled = 0;
  return {
    number,
    isFull: () => filled === limit,
    take: (bytes) => {
      const length = Math.min(bytes.length, limit - filled);
      if (filled + length > buffer.length) {
        const larger = Buffer.allocUnsafeSlow(Math.min(limit, Math.max(filled + length, buffer.length * 4)));
        buffer.copy(larger, 0, 0, filled);
        buffer = larger;
      }
      bytes.copy(buffer, filled, 0, length);
      filled += length;
      return length;
    },
    finish: (last) => ({
      number,
      bytes: buffer.subarray(0, filled),
      last,
      release: () => {
        if (pooled !== undefined) pool.release(pooled);
        pooled = undefined;
      },
    }),
  };
}

function tooLarge(plan: PartPlan): DbopsError {
  return new DbopsError('STORAGE_FAILED', `the object is larger than ${Math.floor(capacityOf(plan) / 2 ** 30)} GiB`, {
    hint: 'An object store takes 10,000 parts of an object. Dump in several parts, such as --format directory.',
  });
}
