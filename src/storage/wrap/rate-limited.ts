import { Readable } from 'node:stream';
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
      // Its failure reaches the storage by the paced stream, and after a failed put nobody else listens.
      body.on('error', () => undefined);
      const paced = Readable.from(pace(body, budget, options.signal), {
        objectMode: false,
        highWaterMark: budget.pieceBytes,
      });
      try {
        await inner.put(key, paced, options);
      } catch (error) {
        // The generator may be waiting for a body that never goes on, and is then deaf to its own end.
        body.destroy();
        paced.destroy();
        throw error;
      }
    },
  };
}

async function* pace(body: Readable, budget: ByteBudget, signal: AbortSignal): AsyncGenerator<Buffer> {
  for await (const chunk of body as AsyncIterable<Buffer>) {
    for (let at = 0; at < chunk.length; at += budget.pieceBytes) {
      const piece = chunk.subarray(at, at + budget.pieceBytes);
      await budget.take(piece.length, signal);
      yield piece;
    }
  }
}
