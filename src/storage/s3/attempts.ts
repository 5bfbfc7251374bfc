import { DbopsError } from '../../core/errors.ts';
import type { Clock, RandomBytes } from '../../core/ports/clock.ts';
import { failureOf, remedyOf } from './failure.ts';

export interface Patience {
  /** How long a request is repeated that a store, once it has answered at all, does not do. */
  readonly budgetMs: number;
  /** As long as nothing ever answered: somebody may have mistyped the address. */
  readonly firstBudgetMs: number;
}

export interface Attempts {
  /**
   * Repeats what may pass, with growing and jittered pauses, until the time is used up; then fails with what it failed
   * with. `renew` fetches credentials again, once.
   */
  run<T>(act: () => Promise<T>, signal: AbortSignal): Promise<T>;
}

export interface AttemptsOptions extends Patience {
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly renew: () => void;
}

const firstPauseMs = 200;
const longestPauseMs = 20_000;
// Some seconds, for what is rarely better the next time.
const mostFew = 5;

export function createAttempts({ clock, random, renew, budgetMs, firstBudgetMs }: AttemptsOptions): Attempts {
  let answered = false;
  return {
    run: async (act, signal) => {
      const start = clock.now().getTime();
      const spent = new Set<string>();
      for (let [tries, few] = [1, 0]; ; tries++) {
        signal.throwIfAborted();
        try {
          const result = await act();
          answered = true;
          return result;
        } catch (error) {
          signal.throwIfAborted();
          if (error instanceof DbopsError) throw error;
          const failure = failureOf(error);
          const remedy = remedyOf(failure);
          answered ||= failure.status !== undefined;
          if (remedy === 'none' || spent.has(remedy)) throw error;
          // The library has set its clock by the answer; new credentials are asked for here. Either helps at once or never.
          if (remedy === 'repeat a few times' && ++few >= mostFew) throw error;
          const pauses = remedy === 'repeat' || remedy === 'repeat a few times';
          if (!pauses) spent.add(remedy);
          if (remedy === 'renew credentials') renew();
          const pauseMs = pauses ? pauseOf(tries, random) : 0;
          const lastsMs = clock.now().getTime() - start + pauseMs;
          if (lastsMs > (answered ? budgetMs : firstBudgetMs)) throw error;
          await clock.sleep(pauseMs, signal);
        }
      }
    },
  };
}

/** Between half and all of 200 ms, 400 ms, 800 ms … 20 s: a hundred clients that failed together come back one by one. */
function pauseOf(tries: number, random: RandomBytes): number {
  const fullMs = Math.min(longestPauseMs, firstPauseMs * 2 ** (tries - 1));
  const [chance = 0] = random(1);
  return Math.round(fullMs * (0.5 + chance / 512));
}
