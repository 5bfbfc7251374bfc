import { DbopsError } from './errors.ts';

const units: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  k: 1e3,
  kb: 1e3,
  kib: 2 ** 10,
  m: 1e6,
  mb: 1e6,
  mib: 2 ** 20,
  g: 1e9,
  gb: 1e9,
  gib: 2 ** 30,
};
const pattern = /^(\d{1,12}) ?([a-z]{0,3})(?:\/s)?$/i;

/** True for `500kB`, `10MB`, `1MiB/s`, `250000`: bytes a second, at least 1 kB. */
export function isByteRate(text: string): boolean {
  return valueOf(text) >= 1_000;
}

/**
 * Bytes a second.
 * @throws DbopsError USAGE
 */
export function parseByteRate(text: string): number {
  if (isByteRate(text)) return valueOf(text);
  throw new DbopsError('USAGE', `${JSON.stringify(text)} is no rate`, {
    hint: 'Write bytes a second, at least 1kB: 500kB, 10MB or 1MiB.',
  });
}

function valueOf(text: string): number {
  const [, digits, unit = ''] = pattern.exec(text) ?? [];
  return Number(digits) * (units[unit.toLowerCase()] ?? Number.NaN);
}
