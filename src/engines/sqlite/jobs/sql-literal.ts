import { quoteText } from './quote.ts';

/**
 * A value as an SQL expression that gives back the same value, to the last bit and of the same type.
 * `hex` holds the bytes of a text as SQLite stores or converts them (in UTF-8).
 */
export function literal(value: unknown, hex: unknown): string {
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'number') return real(value);
  if (typeof value === 'string') return text(value, String(hex));
  return Buffer.isBuffer(value) ? `X'${value.toString('hex')}'` : 'NULL';
}

// 17 significant digits name exactly one double; the point or exponent makes SQL take it for a float.
function real(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '9e999';
  if (value === Number.NEGATIVE_INFINITY) return '-9e999';
  const shortest = String(value);
  return /[.e]/.test(shortest) ? shortest : `${shortest}.0`;
}

function text(value: string, hex: string): string {
  // Bytes that are no text in their encoding reach us replaced; written as bytes they stay what they were.
  if (value.includes('\uFFFD') && Buffer.from(value).toString('hex') !== hex.toLowerCase()) {
    return `CAST(X'${hex.toLowerCase()}' AS TEXT)`;
  }
  if (!value.includes('\0')) return quoteText(value);
  const marker = markerAbsentFrom(value);
  return `replace(${quoteText(value.replaceAll('\0', marker))}, ${quoteText(marker)}, char(0))`;
}

function markerAbsentFrom(value: string): string {
  for (let number = 0; ; number++) {
    const marker = `<NUL${number === 0 ? '' : number}>`;
    if (!value.includes(marker)) return marker;
  }
}
