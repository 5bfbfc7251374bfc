import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { DbopsError } from '../../../core/errors.ts';
import { postgresDialect } from '../../../core/sql/dialect.ts';
import { SqlScanner } from '../../../core/sql/scanner.ts';
import type { Command } from '../../../core/sql/script.ts';
import { tokensOf, type Token } from '../../../core/sql/tokens.ts';
import { TableChoice } from './choice.ts';
import { CommandJudge } from './commands.ts';
import { judgeStatement } from './statements.ts';

const newline = Buffer.from('\n');
const FILLING_BYTES = 2048;

export interface Extraction {
  /** Tables of which there was a definition or rows, as SQL writes them. */
  readonly found: readonly string[];
  /** Names asked for that the script does not have, as they were given. */
  readonly missing: readonly string[];
}

export interface ExtractOptions {
  /** With owners and grants. Default: true. */
  readonly rights?: boolean;
}

/**
 * Writes to `sink`, in their order, the statements of a plain dump that belong to the given tables, without the comments:
 * settings; definition, owner and rights; owned sequences with their values, and those of defaults; rows; indexes,
 * constraints, statistics, triggers, rules, policies and comments; the attachment of partitions if both sides are chosen.
 * Types, functions and other tables that they refer to are not among them.
 *
 * The statements' text decides; comments of pg_dump may lie. A name without schema stands for that table in every schema.
 * Does not end `sink`. Fails with USAGE for what is no name; REFUSED for what `guardScript` refuses, `\connect` among it;
 * DAMAGED when the script ends within something.
 */
export async function extractTables(
  source: Readable,
  tables: readonly string[],
  sink: Writable,
  { rights = true }: ExtractOptions = {},
): Promise<Extraction> {
  const choice = new TableChoice(tables);
  const extractor = new Extractor(choice, rights);
  const scanner = new SqlScanner(postgresDialect, extractor);
  for await (const chunk of source as AsyncIterable<Buffer>) {
    scanner.scan(chunk);
    await write(sink, extractor.take());
  }
  const { open, line } = scanner.end();
  if (open !== 'nothing' && open !== 'a statement') {
    throw new DbopsError('DAMAGED', `the script lacks the end of ${open} that begins in line ${line}`, {
      hint: 'It was cut off: take another copy of it, or make the dump again.',
    });
  }
  await write(sink, extractor.take());
  return { found: choice.tables(), missing: choice.missing() };
}

async function write(sink: Writable, pieces: readonly Buffer[]): Promise<void> {
  let free = true;
  for (const piece of pieces) free = sink.write(piece);
  if (free) return;
  const stop = new AbortController();
  try {
    await Promise.race([once(sink, 'drain', { signal: stop.signal }), finished(sink, { signal: stop.signal })]);
  } finally {
    stop.abort();
  }
}

class Extractor {
  private readonly choice: TableChoice;
  private readonly rights: boolean;
  private readonly commands = new CommandJudge({ allowConnect: false });
  private pieces: Buffer[] = [];
  private chosen = false;

  constructor(choice: TableChoice, rights: boolean) {
    this.choice = choice;
    this.rights = rights;
  }

  take(): Buffer[] {
    const { pieces } = this;
    this.pieces = [];
    return pieces;
  }

  statement(head: Buffer, line: number, ended: boolean): void {
    this.commands.statement(line);
    judgeStatement(head, line, false);
    const first = (head[0] ?? 0) | 0x20;
    // The names of INSERT and COPY stand at the start; what follows may be long.
    const filling = first === 0x69 || /^copy\b/i.test(head.toString('latin1', 0, 5));
    const tokens = filling ? tokensOf(head.subarray(0, FILLING_BYTES), 20) : tokensOf(head);
    if (!this.rights && setsRights(tokens)) {
      this.chosen = false;
      return;
    }
    const { take, before } = this.choice.judge(tokens, head);
    for (const earlier of before) this.pieces.push(earlier, newline);
    this.chosen = take;
    if (take) this.piece(head, ended);
  }

  rest(bytes: Buffer, ended: boolean): void {
    if (this.chosen) this.piece(bytes, ended);
  }

  data(bytes: Buffer): void {
    if (this.chosen) this.pieces.push(bytes);
  }

  command(command: Command): void {
    this.commands.judge(command);
  }

  doubtful(reason: string, line: number): void {
    throw new DbopsError('REFUSED', `line ${line}: the script has ${reason}`, {
      hint: 'Look at that line: programs disagree on what it means, so that it cannot be judged.',
    });
  }

  private piece(bytes: Buffer, ended: boolean): void {
    this.pieces.push(bytes);
    if (ended) this.pieces.push(newline);
  }
}

/** GRANT, REVOKE, and ALTER … OWNER TO. */
function setsRights(tokens: readonly Token[]): boolean {
  const isWord = (at: number, text: string): boolean => tokens[at]?.type === 'word' && tokens[at].text === text;
  if (isWord(0, 'grant') || isWord(0, 'revoke')) return true;
  return isWord(0, 'alter') && tokens.some((_, at) => isWord(at, 'owner') && isWord(at + 1, 'to'));
}
