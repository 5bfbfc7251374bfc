import { DbopsError } from './errors.ts';

const unitMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 7 * 86_400_000,
  // A calendar month and year would make `30d` and `1month` differ by the day they are asked on; these do not.
  mo: 31 * 86_400_000,
  y: 366 * 86_400_000,
};

const pattern = /^(\d+)(ms|s|m|h|d|w|mo|y)$/;

/** True for `90s`, `15m`, `26h`, `30d`, `12w`, `12mo` (31 days each), `1y` (366 days). */
export function isDuration(text: string): boolean {
  return pattern.test(text);
}

/**
 * Milliseconds of a duration.
 * @throws DbopsError USAGE
 */
export function parseDuration(text: string): number {
  const match = pattern.exec(text);
  const unit = unitMs[match?.[2] ?? ''];
  if (match === null || unit === undefined) {
    throw new DbopsError('USAGE', `${JSON.stringify(text)} is not a duration`, {
      hint: 'Write a whole number and a unit: 90s, 15m, 26h, 30d, 12w, 12mo or 1y.',
    });
  }
  return Number(match[1]) * unit;
}
