import { expect, test } from 'vitest';
import { listenForStop } from '../../../src/cli/stopping.ts';

type Name = 'SIGINT' | 'SIGTERM' | 'SIGHUP';

/** What signals at these times lead to: the code of the first, and the status of a forced end. */
function afterSignals(signals: readonly (readonly [Name, number])[]): { code: unknown; forced: number[] } {
  let send: (signal: Name) => void = () => undefined;
  let now = 0;
  const forced: number[] = [];
  using stopping = listenForStop({
    onSignal: (listener) => {
      send = listener;
      return () => undefined;
    },
    elapsedMs: () => now,
    exitNow: (code) => void forced.push(code),
  });
  for (const [signal, at] of signals) {
    now = at;
    send(signal);
  }
  return { code: (stopping.signal.reason as { code?: unknown } | undefined)?.code, forced };
}

test('A2: a signal that arrives twice in a moment, as `timeout` sends it, is one', () => {
  const once = { code: 'TERMINATED', forced: [] };
  expect(afterSignals([['SIGTERM', 1000]])).toEqual(once);
  expect(
    afterSignals([
      ['SIGTERM', 1000],
      ['SIGTERM', 1001],
      ['SIGTERM', 1499],
    ]),
  ).toEqual(once);
});

test('A2: a second signal that somebody meant ends the process at once', () => {
  expect(
    afterSignals([
      ['SIGINT', 1000],
      ['SIGINT', 1500],
    ]),
  ).toEqual({ code: 'INTERRUPTED', forced: [130] });
  expect(
    afterSignals([
      ['SIGINT', 1000],
      ['SIGTERM', 1001],
    ]),
  ).toEqual({ code: 'INTERRUPTED', forced: [143] });
});
