import type { Clock } from '../../src/core/ports/clock.ts';

export interface FakeClock extends Clock {
  /** Moves time on, and wakes who has slept long enough. */
  advance(ms: number): Promise<void>;
  /** Resolves as soon as so many calls of `sleep` are pending. */
  whenSleeping(count: number): Promise<void>;
}

interface Sleeper {
  readonly until: number;
  readonly wake: () => void;
}

/** A clock that stands until it is told to move. */
export function createFakeClock(start = '2026-11-20T02:00:00.000Z'): FakeClock {
  let now = Date.parse(start);
  const sleepers = new Set<Sleeper>();
  const watchers = new Set<() => void>();
  return {
    now: () => new Date(now),
    sleep: (ms, signal) =>
      new Promise<void>((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason);
        const sleeper = { until: now + ms, wake: () => (sleepers.delete(sleeper), resolve()) };
        sleepers.add(sleeper);
        signal.addEventListener('abort', () => (sleepers.delete(sleeper), reject(signal.reason)), { once: true });
        for (const watch of watchers) watch();
        return undefined;
      }),
    advance: async (ms) => {
      now += ms;
      for (const { until, wake } of sleepers) if (until <= now) wake();
      // Whoever was woken gets its turn before the test goes on.
      await new Promise(setImmediate);
    },
    whenSleeping: (count) =>
      new Promise<void>((resolve) => {
        const watch = (): void => {
          if (sleepers.size < count) return;
          watchers.delete(watch);
          resolve();
        };
        watchers.add(watch);
        watch();
      }),
  };
}
