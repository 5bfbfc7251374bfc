import { byte, isDigit, isLetter, isSpace, isWord } from './bytes.ts';
import { skipBlock, skipLine } from './comments.ts';
import type { Dialect } from './dialect.ts';
import { quotes, skipQuotes, type Quotes } from './quotes.ts';
import type { OpenEnd, ScriptEnd, ScriptListener } from './script.ts';
import { StatementReader } from './statement-reader.ts';
import { endOfTag } from './tokens.ts';

/**
 * Finds the statements of SQL text that comes in pieces of any size, and tells a listener. It works on bytes, in any
 * encoding in which a byte below 128 is always that character: UTF-8, Latin-1, SQL_ASCII, EUC; not Shift JIS, Big5, GBK,
 * GB18030, UHC, JOHAB. It holds at most the first MiB of a statement, one piece of input and one token.
 *
 * Strings are read with `standard_conforming_strings` on. A script's code can switch that, or the encoding, while it
 * runs, which its text need not show. Variables of psql (`:name`, `:'name'`, `:{?name}`) are not replaced: in a psql
 * started with `-X` none but its own are set, and those are doubtful here.
 */
export class SqlScanner extends StatementReader {
  private quotes: Quotes = quotes.string;
  private quotesLine = 0;
  private blocks = 0;
  private blockLine = 0;
  private afterEscapes = false;

  constructor(dialect: Dialect, listener: ScriptListener, headBytes = 1 << 20) {
    super(dialect, listener, headBytes);
  }

  /** To be called once, after the last piece. A statement without a semicolon is told as ended: psql runs it. */
  end(): ScriptEnd {
    this.finish();
    const end = this.openEnd();
    if (this.comment.open) this.tellComment(!this.comment.spilled, this.comment.end(Buffer.alloc(0), 0));
    if (this.statement.open) this.close(Buffer.alloc(0), 0);
    return end;
  }

  /** Gives where to go on; its complement when that needs more bytes. */
  protected step(buffer: Buffer, at: number): number {
    switch (this.state) {
      case 'sql':
        return this.atStart(at) && buffer[0] === 0xef ? this.byteOrderMark(buffer) : this.sql(buffer, at);
      case 'quotes':
        return this.quoted(buffer, at);
      case 'comment':
        return this.lineComment(buffer, at);
      case 'block':
        return this.blockComment(buffer, at);
      case 'gap':
        return this.gap(buffer, at);
      case 'data':
        return this.copyData(buffer, at);
    }
  }

  /** psql skips UTF-8's mark at the start or takes it for letters, depending on the encoding. */
  private byteOrderMark(buffer: Buffer): number {
    if (buffer.length < 5 && !this.final) return ~0;
    if (buffer[1] !== 0xbb || buffer[2] !== 0xbf) return this.sql(buffer, 0);
    const [first = 32, second = 32] = buffer.subarray(3, 5);
    const prefix = isLetter(first) && [byte.singleQuote, 0x26].includes(second);
    if (first === byte.dollar || prefix) this.doubt('a quote right after a byte order mark', buffer, 3);
    return 3;
  }

  private sql(buffer: Buffer, start: number): number {
    for (let at = start; at < buffer.length;) {
      const code = buffer[at] ?? 0;
      if (isSpace(code)) {
        at++;
        continue;
      }
      const next = isLetter(code) ? this.word(buffer, at, code) : this.symbol(buffer, at, code);
      if (next < 0 || this.state !== 'sql') return next;
      at = next;
    }
    return buffer.length;
  }

  private word(buffer: Buffer, at: number, code: number): number {
    let end = at + 1;
    while (end < buffer.length && (isWord(buffer[end] ?? 0) || buffer[end] === byte.dollar)) end++;
    if (end === buffer.length && !this.final) return ~at;
    this.token(buffer, at);
    this.shape.word(buffer, at, end);
    const escapes = this.dialect.escapeStrings && end === at + 1 && (code | 0x20) === 0x65;
    return escapes && buffer[end] === byte.singleQuote ? this.quote(buffer, end, quotes.escapes) : end;
  }

  private symbol(buffer: Buffer, at: number, code: number): number {
    const { dialect } = this;
    if (code === byte.singleQuote) {
      if (this.afterEscapes) this.doubt('a string that goes on from one with escapes', buffer, at);
      return this.quote(buffer, at, quotes.string);
    }
    if (code === byte.doubleQuote) return this.quote(buffer, at, quotes.name);
    if (code === byte.minus || code === byte.slash) return this.minusOrSlash(buffer, at, code);
    if (code === byte.semicolon) return this.semicolon(buffer, at);
    if (code === byte.backslash && dialect.commands) return this.command(buffer, at);
    if (code === byte.colon && dialect.commands) return this.colon(buffer, at);
    if (code === byte.dollar && dialect.dollarQuotes) return this.dollar(buffer, at);
    if (code === byte.bracket && dialect.otherQuotes) return this.quote(buffer, at, quotes.bracket);
    if (code === byte.backtick && dialect.otherQuotes) return this.quote(buffer, at, quotes.backtick);
    if (isDigit(code)) return this.number(buffer, at, at);
    this.token(buffer, at);
    if (code === byte.open) this.shape.open();
    else if (code === byte.close) this.shape.close();
    return at + 1;
  }

  private token(buffer: Buffer, at: number): void {
    this.begin(buffer, at);
    this.afterEscapes = false;
  }

  private quote(buffer: Buffer, at: number, opened: Quotes): number {
    this.token(buffer, at);
    this.quotes = opened;
    this.quotesLine = this.lineAt(buffer, at);
    this.state = 'quotes';
    return this.quoted(buffer, at + opened.end.length);
  }

  private quoted(buffer: Buffer, at: number): number {
    const next = skipQuotes(this.quotes, buffer, at, this.final);
    if (next < 0) return next;
    this.afterEscapes = this.quotes.type === 'escapes';
    this.state = 'sql';
    return next;
  }

  private minusOrSlash(buffer: Buffer, at: number, code: number): number {
    if (at + 1 === buffer.length && !this.final) return ~at;
    const next = buffer[at + 1];
    if (code === byte.minus && next === byte.minus) {
      if (!this.statement.open) this.comment.begin(at, this.lineAt(buffer, at));
      this.state = 'comment';
      return at + 2;
    }
    if (code === byte.slash && next === byte.star) {
      this.blockLine = this.lineAt(buffer, at);
      this.blocks = 1;
      this.state = 'block';
      return at + 2;
    }
    this.token(buffer, at);
    return at + 1;
  }

  private lineComment(buffer: Buffer, at: number): number {
    const end = skipLine(buffer, at, this.dialect.returnEndsLine);
    if (end < 0) return end;
    if (this.comment.open) this.tellComment(!this.comment.spilled, this.comment.end(buffer, end));
    this.state = 'sql';
    return end;
  }

  private blockComment(buffer: Buffer, from: number): number {
    const { depth, at } = skipBlock(buffer, from, this.blocks, this.dialect.nestedComments);
    this.blocks = depth;
    if (depth === 0) this.state = 'sql';
    return at;
  }

  private semicolon(buffer: Buffer, at: number): number {
    this.afterEscapes = false;
    if (this.statement.open && this.shape.ends) this.close(buffer, at + 1);
    return at + 1;
  }

  /** A quote's tag, a parameter, or nothing special. */
  private dollar(buffer: Buffer, at: number): number {
    if (isDigit(buffer[at + 1] ?? 0)) return this.number(buffer, at, at + 1);
    const end = endOfTag(buffer, at);
    if (end !== undefined)
      return this.quote(buffer, at, { type: 'dollar', end: Buffer.from(buffer.subarray(at, end)) });
    if (!this.final && endOfRun(buffer, at + 1) === buffer.length) return ~at;
    this.token(buffer, at);
    return at + 1;
  }

  /** Since version 15 `1a$$` is a number and the start of a quote; before, and in psql, a number and a name. */
  private number(buffer: Buffer, at: number, digits: number): number {
    const end = endOfRun(buffer, digits);
    if (end === buffer.length && !this.final) return ~at;
    this.token(buffer, at);
    if (this.dialect.dollarQuotes && isMixed(buffer, digits, end)) {
      this.doubt('letters or a dollar right after a number', buffer, at);
    }
    return end;
  }

  /** psql puts its variables in, and one of them holds the server's last error message: text of the script's choice. */
  private colon(buffer: Buffer, at: number): number {
    if (buffer[at + 1] === byte.colon) {
      this.token(buffer, at);
      return at + 2;
    }
    let end = at + 1;
    while (isWord(buffer[end] ?? 0)) end++;
    if (end === buffer.length && !this.final) return ~at;
    this.token(buffer, at);
    const name = buffer.toString('latin1', at + 1, Math.min(end, at + 100));
    const next = buffer[end] ?? 0;
    if (/^[A-Z][A-Z0-9_]+$/.test(name)) this.doubt(`the variable :${name} of psql`, buffer, at);
    else if (name !== '' && openers.has(next)) {
      this.doubt('a quote right after what psql takes for a variable', buffer, at);
    }
    return end;
  }

  private command(buffer: Buffer, at: number): number {
    const end = this.endOfLine(buffer, at);
    if (end === undefined) return ~at;
    const [line, offset] = [this.lineAt(buffer, at), this.position + at];
    this.listener.command?.({ text: buffer.subarray(at, end), line, offset, inStatement: this.statement.open });
    return end;
  }

  private openEnd(): ScriptEnd {
    const place: Record<typeof this.state, { open: OpenEnd; line: number } | undefined> = {
      sql: undefined,
      comment: undefined,
      quotes: { open: openQuotes[this.quotes.type], line: this.quotesLine },
      block: { open: 'a comment', line: this.blockLine },
      gap: { open: 'the data of a COPY', line: this.copyLine },
      data: { open: 'the data of a COPY', line: this.copyLine },
    };
    return place[this.state] ?? { open: this.openStatement(), line: this.statement.line };
  }

  private openStatement(): OpenEnd {
    if (!this.statement.open) return 'nothing';
    if (this.shape.parentheses > 0) return 'parentheses';
    return this.shape.body > 0 ? 'the body of a statement' : 'a statement';
  }
}

const openers: ReadonlySet<number> = new Set([byte.singleQuote, byte.doubleQuote, byte.dollar]);

const openQuotes: Readonly<Record<Quotes['type'], OpenEnd>> = {
  string: 'a quoted string',
  escapes: 'a quoted string',
  name: 'a quoted name',
  dollar: 'a dollar-quoted string',
};

function endOfRun(buffer: Buffer, from: number): number {
  let at = from;
  while (isWord(buffer[at] ?? 0) || buffer[at] === byte.dollar || buffer[at] === byte.dot) at++;
  return at;
}

/** Whether a number runs into a dollar, or into letters that a quote follows. */
function isMixed(buffer: Buffer, from: number, to: number): boolean {
  let mixed = false;
  const next = buffer[to];
  const quote = next === byte.singleQuote || next === byte.doubleQuote || next === 0x26;
  for (let at = from; at < to; at++) mixed ||= buffer[at] === byte.dollar || (quote && isLetter(buffer[at] ?? 0));
  return mixed;
}
