import { byte } from './bytes.ts';

/** A quote that the scanner is in. `end` is what closes it. */
export interface Quotes {
  readonly type: 'string' | 'escapes' | 'name' | 'dollar';
  readonly end: Buffer;
}

export const quotes = {
  string: { type: 'string', end: Buffer.from("'") },
  escapes: { type: 'escapes', end: Buffer.from("'") },
  name: { type: 'name', end: Buffer.from('"') },
  bracket: { type: 'name', end: Buffer.from(']') },
  backtick: { type: 'name', end: Buffer.from('`') },
} as const satisfies Record<string, Quotes>;

/**
 * Gives the place after the closing quote. When it is not in this buffer, gives the complement (`~place`) of where to go
 * on once there is more. A doubled quote closes and opens again, which comes to the same but for escapes.
 */
export function skipQuotes(quotes: Quotes, buffer: Buffer, at: number, final: boolean): number {
  if (quotes.type === 'escapes') return skipEscapes(buffer, at, final);
  if (quotes.type === 'dollar') {
    const found = buffer.indexOf(quotes.end, at);
    if (found >= 0) return found + quotes.end.length;
    return ~(final ? buffer.length : Math.max(at, buffer.length - quotes.end.length + 1));
  }
  // Most strings are shorter than what a call into native code costs.
  const quote = quotes.end[0] ?? 0;
  const near = Math.min(at + 64, buffer.length);
  for (let end = at; end < near; end++) if (buffer[end] === quote) return end + 1;
  const found = near < buffer.length ? buffer.indexOf(quote, near) : -1;
  return found < 0 ? ~buffer.length : found + 1;
}

function skipEscapes(buffer: Buffer, at: number, final: boolean): number {
  for (let end = at; end < buffer.length; end++) {
    const code = buffer[end];
    if (code !== byte.backslash && code !== byte.singleQuote) continue;
    if (end + 1 === buffer.length && !final) return ~end;
    if (code === byte.singleQuote && buffer[end + 1] !== byte.singleQuote) return end + 1;
    end++;
  }
  return ~buffer.length;
}
