import { DbopsError, EXIT_CODES, exitCodeOf } from '../core/errors.ts';
import type { Host } from './host.ts';

// `timeout` signals its child and then the whole group, and a wrapper passes on what reached the program already: the
// same signal twice in a moment is one wish. Nobody presses Ctrl-C twice as fast on purpose.
const echoMs = 500;

export interface Stopping extends Disposable {
  /** Aborted by the first signal. */
  readonly signal: AbortSignal;
}

/** The first signal stops the run, which then cleans up; the second ends the process at once. */
export function listenForStop(host: Pick<Host, 'onSignal' | 'exitNow' | 'elapsedMs'>): Stopping {
  const controller = new AbortController();
  const first = new Map<string, number>();
  const forget = host.onSignal((signal) => {
    const now = host.elapsedMs();
    const before = first.get(signal);
    if (before !== undefined && now - before < echoMs) return;
    const error = interruption(signal);
    if (first.size > 0) host.exitNow(exitCodeOf(error));
    first.set(signal, now);
    controller.abort(error);
  });
  return { signal: controller.signal, [Symbol.dispose]: forget };
}

function interruption(signal: string): DbopsError {
  const code = signal === 'SIGINT' ? 'INTERRUPTED' : 'TERMINATED';
  return new DbopsError(code, `stopped by ${signal} (exit ${EXIT_CODES[code]}); nothing unfinished was published`);
}
