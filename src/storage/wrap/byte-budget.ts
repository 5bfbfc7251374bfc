import type { Clock } from '../../core/ports/clock.ts';

/** So many bytes a second, shared by all who take from it: one after the other, in the order in which they asked. */
export interface ByteBudget {
  /** Never take more than this at once: it is what the others wait for. */
  readonly pieceBytes: number;
  /** Resolves when these bytes may go. */
  take(bytes: number, signal: AbortSignal): Promise<void>;
}

// A tenth of a second of bytes at low rates; at high ones a piece is what streams carry anyway.
const mostPieceBytes = 1 << 16;
// Timers are that coarse: shorter waits are added up.
const shortestWaitMs = 10;
// Timers are late, and that is made up for. Time in which nobody wanted to write is not, beyond this.
const creditMs = 250;

/** A budget without drift: what may go is counted from the start, not from one wait to the next. */
export function createByteBudget(bytesPerSecond: number, clock: Clock): ByteBudget {
  const msOf = (bytes: number): number => (bytes * 1000) / bytesPerSecond;
  const pieceBytes = Math.min(mostPieceBytes, Math.max(1, Math.ceil(bytesPerSecond / 10)));
  // When all that was taken so far will have had its time.
  let free = clock.now().getTime();
  const wait = async (bytes: number, signal: AbortSignal): Promise<void> => {
    signal.throwIfAborted();
    const now = clock.now().getTime();
    // Later than that only when the clock was set back.
    const latest = now + shortestWaitMs + msOf(pieceBytes);
    free = Math.min(Math.max(free, now - creditMs), latest);
    if (free - now >= shortestWaitMs) await clock.sleep(free - now, signal);
    free += msOf(bytes);
  };
  let last: Promise<unknown> = Promise.resolve();
  return {
    pieceBytes,
    take: (bytes, signal) => {
      const turn = last.then(() => wait(bytes, signal));
      last = turn.catch(() => undefined);
      return turn;
    },
  };
}
