import { expect, test } from 'vitest';
import type { Clock } from '../../../../src/core/ports/clock.ts';
import { createAttempts } from '../../../../src/storage/s3/attempts.ts';

interface Run {
  readonly outcome: unknown;
  readonly tries: number;
  readonly sleptMs: readonly number[];
  readonly renewals: number;
}

/** Runs something that gives these outcomes, the last one for ever, on a clock that sleeps at once. */
async function runThrough(outcomes: readonly unknown[], chance = 0): Promise<Run> {
  const sleptMs: number[] = [];
  let [at, tries, renewals] = [0, 0, 0];
  const clock: Clock = {
    now: () => new Date(at),
    sleep: async (ms) => {
      sleptMs.push(ms);
      at += ms;
    },
  };
  const renew = (): void => void (renewals += 1);
  const attempts = createAttempts({
    clock,
    renew,
    random: () => new Uint8Array([chance]),
    budgetMs: 120_000,
    firstBudgetMs: 6_000,
  });
  const act = async (): Promise<string> => {
    const next = outcomes[Math.min(tries, outcomes.length - 1)];
    tries += 1;
    if (next instanceof Error) throw next;
    return String(next);
  };
  const outcome = await attempts.run(act, new AbortController().signal).catch((error: unknown) => error);
  return { outcome, tries, sleptMs, renewals };
}

function failure(code: string, status?: number): Error {
  return Object.assign(new Error(code), { name: code, $metadata: { httpStatusCode: status } });
}

test('what passes is tried again after pauses that grow', async () => {
  const slow = failure('SlowDown', 503);
  const { outcome, sleptMs } = await runThrough([slow, slow, slow, 'done']);
  expect(outcome).toBe('done');
  expect(sleptMs).toEqual([100, 200, 400]);
});

test('pauses are jittered', async () => {
  const { sleptMs } = await runThrough([failure('SlowDown', 503), 'done'], 255);
  expect(sleptMs).toEqual([200]);
});

test('a store that answers is asked for two minutes, one that never does for seconds', async () => {
  const total = (run: Run): number => run.sleptMs.reduce((sum, ms) => sum + ms, 0);
  const throttled = await runThrough([failure('SlowDown', 503)]);
  expect(throttled.outcome).toMatchObject({ name: 'SlowDown' });
  expect(total(throttled)).toBeGreaterThan(90_000);
  expect(total(throttled)).toBeLessThanOrEqual(120_000);
  const silent = await runThrough([Object.assign(new Error('x'), { code: 'ECONNREFUSED' })]);
  expect(total(silent)).toBeLessThanOrEqual(6_000);
  expect(silent.tries).toBeGreaterThan(2);
});

test.each(['ExpiredToken', 'RequestTimeTooSkewed'])('%s is answered by one more try', async (code) => {
  const once = await runThrough([failure(code, 403), 'done']);
  expect(once).toMatchObject({ outcome: 'done', tries: 2 });
  const again = await runThrough([failure(code, 403)]);
  expect(again).toMatchObject({ tries: 2, renewals: code === 'ExpiredToken' ? 1 : 0 });
  expect(again.outcome).toMatchObject({ name: code });
});

test.each([
  ['AccessDenied', 403],
  ['NoSuchBucket', 404],
  ['NotImplemented', 501],
  ['CERT_HAS_EXPIRED', undefined],
])('%s is final', async (code, status) => {
  expect(await runThrough([failure(code, status)])).toMatchObject({ tries: 1 });
});

test.each([
  failure('XAmzContentSHA256Mismatch', 400),
  failure('BadDigest', 400),
  Object.assign(new Error('Deserialization error: to see the raw response'), { $metadata: { httpStatusCode: 200 } }),
])('what is changed on the way (%s) is sent again for some seconds, not for minutes', async (changed) => {
  const { outcome, tries, sleptMs } = await runThrough([changed], 255);
  expect(outcome).toBe(changed);
  expect(tries).toBe(5);
  expect(sleptMs.reduce((sum, ms) => sum + ms, 0)).toBeLessThan(5_000);
  expect(await runThrough([changed, changed, 'done'])).toMatchObject({ outcome: 'done' });
});
