import { byte, isDigit, isLetter, isSpace, isWord } from './bytes.ts';

/**
 * A piece of a statement. `word` is in lower case, `name` and `string` are without their quotes. Text is Latin-1: one
 * character a byte, whatever the encoding; see `decode`.
 */
export interface Token {
  readonly type: 'word' | 'name' | 'string' | 'symbol';
  readonly text: string;
  /** Parentheses around it. */
  readonly depth: number;
  /** Bytes of the statement up to its end. */
  readonly end: number;
}

/** Splits the beginning of a statement; what is cut off in the middle of a quote is left out. */
export function tokensOf(head: Buffer, limit = 10_000): Token[] {
  const tokens: Token[] = [];
  let depth = 0;
  for (let at = 0; at < head.length && tokens.length < limit;) {
    const code = head[at] ?? 0;
    if (isSpace(code)) at++;
    else if (startsComment(head, at)) at = endOfComment(head, at);
    else {
      const { end, type, text } = readToken(head, at);
      if (end < 0) break;
      if (text === ')' && type === 'symbol') depth = Math.max(0, depth - 1);
      tokens.push({ type, text, depth, end });
      if (text === '(' && type === 'symbol') depth++;
      at = end;
    }
  }
  return tokens;
}

/** The text of a token as people read it: UTF-8 where it is that, else Latin-1. */
export function decode(text: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.from(text, 'latin1'));
  } catch {
    return text;
  }
}

interface Reading extends Omit<Token, 'depth'> {
  /** -1 when it does not end. */
  readonly end: number;
}

function readToken(head: Buffer, at: number): Reading {
  const code = head[at] ?? 0;
  if (code === byte.singleQuote) return quoted(head, at, 'string', byte.singleQuote);
  if (code === byte.doubleQuote) return quoted(head, at, 'name', byte.doubleQuote);
  if (code === byte.backtick) return quoted(head, at, 'name', byte.backtick);
  if (code === byte.dollar) return dollarQuoted(head, at);
  if (!isLetter(code)) return isDigit(code) ? word(head, at) : symbol(head, at);
  const next = head[at + 1];
  if (next === byte.singleQuote) {
    return code === 0x65 || code === 0x45 ? escaped(head, at + 1) : quoted(head, at + 1, 'string', byte.singleQuote);
  }
  if ((code === 0x75 || code === 0x55) && next === 0x26 && head[at + 2] === byte.doubleQuote) {
    return unicodeName(quoted(head, at + 2, 'name', byte.doubleQuote));
  }
  return word(head, at);
}

function quoted(head: Buffer, at: number, type: 'string' | 'name', quote: number): Reading {
  for (let end = head.indexOf(quote, at + 1); end >= 0; end = head.indexOf(quote, end + 2)) {
    if (head[end + 1] === quote) continue;
    const mark = String.fromCharCode(quote);
    return { type, end: end + 1, text: head.toString('latin1', at + 1, end).replaceAll(mark + mark, mark) };
  }
  return { type, end: -1, text: '' };
}

/** Escapes of an `E'…'` string are kept as they are, but for quotes and backslashes: no name needs the others. */
function escaped(head: Buffer, at: number): Reading {
  for (let end = at + 1; end < head.length; end++) {
    if (head[end] === byte.backslash) end++;
    else if (head[end] === byte.singleQuote && head[end + 1] === byte.singleQuote) end++;
    else if (head[end] === byte.singleQuote) {
      const text = head
        .toString('latin1', at + 1, end)
        .replaceAll(/\\([\\'])|''/g, (_: string, mark?: string) => mark ?? "'");
      return { type: 'string', end: end + 1, text };
    }
  }
  return { type: 'string', end: -1, text: '' };
}

/** `U&"d\0061ta"`, with the usual escape character. */
function unicodeName(reading: Reading): Reading {
  const text = reading.text.replaceAll(
    /\\(?:\\|\+([0-9a-f]{6})|([0-9a-f]{4}))/gi,
    (_: string, long?: string, short?: string) => {
      const point = Number.parseInt(long ?? short ?? '5c', 16);
      return point > 0x10_ff_ff ? '?' : Buffer.from(String.fromCodePoint(point)).toString('latin1');
    },
  );
  return { ...reading, text };
}

function dollarQuoted(head: Buffer, at: number): Reading {
  const tagEnd = endOfTag(head, at);
  if (tagEnd === undefined) return symbol(head, at);
  const body = head.indexOf(head.subarray(at, tagEnd), tagEnd);
  if (body < 0) return { type: 'string', end: -1, text: '' };
  return { type: 'string', end: body + tagEnd - at, text: head.toString('latin1', tagEnd, body) };
}

/** Where the tag `$…$` that starts here ends; undefined when none does. */
export function endOfTag(head: Buffer, at: number): number | undefined {
  let end = at + 1;
  if (!isDigit(head[end] ?? 0)) while (isWord(head[end] ?? 0)) end++;
  return head[end] === byte.dollar ? end + 1 : undefined;
}

function word(head: Buffer, at: number): Reading {
  let end = at + 1;
  while (isWord(head[end] ?? 0) || head[end] === byte.dollar) end++;
  // Only ASCII is folded: what a server does beyond it depends on its locale.
  const text = head.toString('latin1', at, end).replaceAll(/[A-Z]+/g, (letters: string) => letters.toLowerCase());
  return { type: 'word', end, text };
}

function symbol(head: Buffer, at: number): Reading {
  return { type: 'symbol', end: at + 1, text: head.toString('latin1', at, at + 1) };
}

function startsComment(head: Buffer, at: number): boolean {
  const [first, second] = [head[at], head[at + 1]];
  return (first === byte.minus && second === byte.minus) || (first === byte.slash && second === byte.star);
}

function endOfComment(head: Buffer, at: number): number {
  let end = at + 2;
  if (head[at] === byte.minus) {
    while (end < head.length && head[end] !== byte.newline && head[end] !== byte.carriageReturn) end++;
    return end;
  }
  for (let depth = 1; end < head.length; end++) {
    if (head[end] === byte.star && head[end + 1] === byte.slash) {
      end++;
      if (--depth === 0) return end + 1;
    } else if (startsComment(head, end) && head[end] === byte.slash) {
      end++;
      depth++;
    }
  }
  return end;
}
