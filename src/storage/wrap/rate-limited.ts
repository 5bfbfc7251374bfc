import { Transform, type Readable, type TransformCallback } from 'node:stream';
import type { Clock } from '../../core/ports/clock.ts';
import type { Storage } from '../../core/ports/storage.ts';
import { createByteBudget, type ByteBudget } from './byte-budget.ts';

/**
 * A storage into which no more than so many bytes a second are written, by all puts together. Whoever fills a body is
 * held back by it, so that a dump runs no faster than it is stored.
 */
export function withRateLimit(inner: Storage, bytesPerSecond: number, clock: Clock): Storage {
  const budget = createByteBudget(bytesPerSecond, clock);
  return {
    ...inner,
    put: async (key, body, options) => {
      const paced = pace(body, budget, options.signal);
      try {
        await inner.put(key, paced, options);
      } catch (error) {
        paced.destroy();
        throw error;
      }
    },
  };
}

/** Not a generator: one that waits for a source which gives nothing is deaf to its own end. */
function pace(body: Readable, budget: ByteBudget, signal: AbortSignal): Readable {
  const pass = async (chunk: Buffer, done: TransformCallback): Promise<void> => {
    try {
      for (let at = 0; at < chunk.length && !paced.destroyed; at += budget.pieceBytes) {
        const piece = chunk.subarray(at, at + budget.pieceBytes);
        await budget.take(piece.length, signal);
        paced.push(piece);
      }
      done();
    } catch (error) {
      done(error as Error);
    }
  };
  const paced = new Transform({
    highWaterMark: budget.pieceBytes,
    transform: (chunk: Buffer, _encoding, done) => void pass(chunk, done),
  });
  // Whoever reads gets the error; a put that has failed already reads no more, and then it must not end the process.
  paced.on('error', () => undefined);
  body.on('error', (error) => paced.destroy(error));
  paced.once('close', () => body.destroy());
  return body.pipe(paced);
}
