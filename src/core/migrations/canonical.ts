import { byte, isSpace, isWord } from '../sql/bytes.ts';
import { skipBlock, skipLine } from '../sql/comments.ts';
import type { Dialect } from '../sql/dialect.ts';
import { quotes, skipQuotes, type Quotes } from '../sql/quotes.ts';
import { endOfTag } from '../sql/tokens.ts';

/**
 * A statement without what means nothing: comments, and white space beyond one blank between words. Ends of lines are line
 * feeds, in quotes too, so that a checkout on another system changes nothing.
 */
export function canonicalStatement(statement: Buffer, dialect: Dialect): string {
  let text = '';
  let blank = false;
  for (let at = 0; at < statement.length;) {
    const skipped = skipBlank(statement, at, dialect);
    if (skipped > at) {
      blank = true;
      at = skipped;
      continue;
    }
    const end = endOfToken(statement, at, dialect);
    const token = statement.toString('utf8', at, end).replaceAll('\r\n', '\n');
    text += blank && !tight.test(text.at(-1) ?? '(') && !tight.test(token) ? ` ${token}` : token;
    blank = false;
    at = end;
  }
  return text;
}

// Nothing is said by white space beside these.
const tight = /^[(),;]/;

function skipBlank(text: Buffer, at: number, dialect: Dialect): number {
  if (isSpace(text[at] ?? 0)) return at + 1;
  if (text[at] === byte.minus && text[at + 1] === byte.minus)
    return reached(skipLine(text, at, dialect.returnEndsLine));
  if (text[at] === byte.slash && text[at + 1] === byte.star) {
    return reached(skipBlock(text, at + 2, 1, dialect.nestedComments).at);
  }
  return at;
}

function endOfToken(text: Buffer, at: number, dialect: Dialect): number {
  const opened = quotesAt(text, at, dialect);
  if (opened !== undefined) return reached(skipQuotes(opened.quotes, text, opened.from, true));
  let end = at;
  while (end < text.length && (isWord(text[end] ?? 0) || (end > at && text[end] === byte.dollar))) end++;
  return Math.max(end, at + 1);
}

function quotesAt(text: Buffer, at: number, dialect: Dialect): { quotes: Quotes; from: number } | undefined {
  const code = text[at];
  if (code === byte.singleQuote) return { quotes: quotes.string, from: at + 1 };
  if (code === byte.doubleQuote) return { quotes: quotes.name, from: at + 1 };
  if (code === byte.bracket && dialect.otherQuotes) return { quotes: quotes.bracket, from: at + 1 };
  if (code === byte.backtick && dialect.otherQuotes) return { quotes: quotes.backtick, from: at + 1 };
  const escapes = dialect.escapeStrings && ((code ?? 0) | 0x20) === 0x65 && text[at + 1] === byte.singleQuote;
  if (escapes && !isWord(text[at - 1] ?? 0)) return { quotes: quotes.escapes, from: at + 2 };
  if (code !== byte.dollar || !dialect.dollarQuotes) return undefined;
  const tag = endOfTag(text, at);
  return tag === undefined ? undefined : { quotes: { type: 'dollar', end: text.subarray(at, tag) }, from: tag };
}

function reached(place: number): number {
  return place < 0 ? ~place : place;
}
