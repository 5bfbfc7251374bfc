import { describe, expect, test } from 'vitest';
import { createByteBudget, type ByteBudget } from '../../../../src/storage/wrap/byte-budget.ts';
import { createFakeClock, type FakeClock } from '../../../support/fake-clock.ts';

const patient = new AbortController().signal;

/** Takes pieces for ever, and counts what was let through. */
function drain(budget: ByteBudget, signal: AbortSignal = patient): { readonly bytes: () => number } {
  let bytes = 0;
  const run = async (): Promise<never> => {
    for (;;) {
      await budget.take(budget.pieceBytes, signal);
      bytes += budget.pieceBytes;
    }
  };
  run().catch(() => undefined);
  return { bytes: () => bytes };
}

/** Lets time pass in steps, as timers that are late by up to a step would. */
async function pass(clock: FakeClock, ms: number, stepMs: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += stepMs) {
    await clock.advance(stepMs);
    await settle();
  }
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
}

describe('a byte budget', () => {
  test.each([
    [1_000, 1],
    [250_000, 7],
    [250_000, 33],
    [10_000_000, 13],
  ])('lets %i bytes a second through, however late its timers are', async (rate, stepMs) => {
    const clock = createFakeClock();
    const budget = createByteBudget(rate, clock);
    const drained = drain(budget);
    await settle();
    await pass(clock, 3_000, stepMs);
    const seconds = (Math.ceil(3_000 / stepMs) * stepMs) / 1_000;
    const oneStep = (rate * (stepMs + 10)) / 1_000 + 2 * budget.pieceBytes;
    expect(drained.bytes()).toBeLessThanOrEqual(seconds * rate + oneStep);
    expect(drained.bytes()).toBeGreaterThanOrEqual(seconds * rate - oneStep);
  });

  test('is smooth: no more than a piece goes at once, and no piece is more than a tenth of a second', async () => {
    const clock = createFakeClock();
    const budget = createByteBudget(100_000, clock);
    expect(budget.pieceBytes).toBe(10_000);
    const drained = drain(budget);
    await settle();
    expect(drained.bytes()).toBe(10_000);
    for (let before = 10_000; before < 60_000; before += 10_000) {
      await pass(clock, 100, 100);
      expect(drained.bytes()).toBe(before + 10_000);
    }
  });

  test('is shared: two who take get half each, and together no more', async () => {
    const clock = createFakeClock();
    const budget = createByteBudget(100_000, clock);
    const both = [drain(budget), drain(budget)];
    await settle();
    await pass(clock, 2_000, 50);
    const [one = 0, other = 0] = both.map(({ bytes }) => bytes());
    expect(Math.abs(one - other)).toBeLessThanOrEqual(budget.pieceBytes);
    expect(one + other).toBeLessThanOrEqual(200_000 + 2 * budget.pieceBytes);
    expect(one + other).toBeGreaterThanOrEqual(200_000 - 2 * budget.pieceBytes);
  });

  test('time in which nobody writes is not saved up, beyond a quarter of a second', async () => {
    const clock = createFakeClock();
    const budget = createByteBudget(100_000, clock);
    await clock.advance(60_000);
    const drained = drain(budget);
    await settle();
    expect(drained.bytes()).toBeLessThanOrEqual(25_000 + 2 * budget.pieceBytes);
  });

  test('a clock that is set back by an hour stops nobody', async () => {
    const clock = createFakeClock();
    let setBackMs = 0;
    // Timers count on whatever is done to the clock.
    const now = (): Date => new Date(clock.now().getTime() - setBackMs);
    const budget = createByteBudget(100_000, { ...clock, now });
    const drained = drain(budget);
    await settle();
    await pass(clock, 500, 50);
    const before = drained.bytes();
    setBackMs = 3_600_000;
    await pass(clock, 1_000, 50);
    expect(drained.bytes() - before).toBeGreaterThan(80_000);
  });

  test('an abort ends the wait with its reason, and holds up nobody else', async () => {
    const clock = createFakeClock();
    const budget = createByteBudget(1_000, clock);
    await budget.take(100, patient);
    const stop = new AbortController();
    const aborted = budget.take(100, stop.signal);
    const waiting = budget.take(100, patient);
    await clock.whenSleeping(1);
    const reason = new Error('stopped by hand');
    stop.abort(reason);
    await expect(aborted).rejects.toBe(reason);
    await clock.whenSleeping(1);
    await clock.advance(100);
    await waiting;
  });
});
