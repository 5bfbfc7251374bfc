/**
 * A double as SQL that gives back every bit of it, whichever SQLite reads it. Before 3.47 SQLite rounds long decimals
 * wrongly now and then, differently on different machines; so a decimal is used only where every way of reading it
 * gives the same, and a product of an integer and powers of two elsewhere, with the decimal as a comment.
 */
export function realLiteral(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '9e999';
  if (value === Number.NEGATIVE_INFINITY) return '-9e999';
  if (Object.is(value, -0)) return '-0.0';
  const sign = value < 0 ? '-' : '';
  const decimal = String(Math.abs(value));
  if (readsAlike(decimal, Math.abs(value))) return sign + (decimal.includes('.') ? decimal : `${decimal}.0`);
  return `${sign}(${exactProduct(Math.abs(value))} /* ${decimal} */)`;
}

const mostExactPower = 22;

function readsAlike(decimal: string, value: number): boolean {
  if (Number.isSafeInteger(value)) return true;
  const [, whole = '', fraction = ''] = /^(\d+)\.(\d+)$/.exec(decimal) ?? [];
  if (fraction === '' || fraction.length > mostExactPower) return false;
  const digits = BigInt(whole + fraction);
  return Number(digits) / 10 ** fraction.length === value && extended(digits, 10n ** BigInt(fraction.length)) === value;
}

/** The quotient as a machine with 80-bit floats computes it: rounded to 64 bits first, then to 53. */
function extended(dividend: bigint, divisor: bigint): number {
  const shift = 65n + BigInt(divisor.toString(2).length);
  const quotient = (dividend << shift) / divisor;
  const drop = BigInt(quotient.toString(2).length - 64);
  // An odd last bit stands for a remainder, so that a quotient just above the middle is not taken for the middle.
  const sticky = quotient | ((dividend << shift) % divisor === 0n ? 0n : 1n);
  const rounded = roundHalfToEven(sticky, drop);
  return Number(rounded) * 2 ** Number(drop - shift);
}

function roundHalfToEven(value: bigint, drop: bigint): bigint {
  const kept = value >> drop;
  const rest = value - (kept << drop);
  const half = 1n << (drop - 1n);
  return rest > half || (rest === half && (kept & 1n) === 1n) ? kept + 1n : kept;
}

const largestStep = 62;

/** Every factor is exact, and so is every product on the way. */
function exactProduct(value: number): string {
  const { integer, exponent } = parts(value);
  const operator = exponent < 0 ? '/' : '*';
  let terms = String(integer);
  for (let left = Math.abs(exponent); left > 0; left -= largestStep) {
    terms += `${operator}${2n ** BigInt(Math.min(left, largestStep))}.0`;
  }
  return terms;
}

/** Integer and power of two, as the 64 bits of a double hold them. */
function parts(value: number): { integer: bigint; exponent: number } {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value);
  const bits = bytes.readBigUInt64BE();
  const biased = Number(bits >> 52n);
  let integer = bits & ((1n << 52n) - 1n);
  if (biased > 0) integer |= 1n << 52n;
  let exponent = (biased === 0 ? 1 : biased) - 1075;
  while (integer % 2n === 0n) {
    integer /= 2n;
    exponent += 1;
  }
  return { integer, exponent };
}
