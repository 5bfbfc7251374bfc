import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { systemRandom } from '../../../platform/clock.ts';
import { startProgram, describeEnd, type RunningProgram } from '../../../platform/program.ts';
import { databaseArguments, type Connection } from './connection.ts';
import { parseCsv } from './csv.ts';
import { explainFailure } from './failure.ts';
import { SqlError, type Query, type Row } from './query.ts';

/** One connection to a server, held by psql, so that every setting of libpq means here what it means to people. */
export interface Session extends AsyncDisposable {
  readonly query: Query;
  /**
   * Runs a script that ends where a statement ends, inside the transaction that is open, if one is. Rejects with a
   * `SqlError` of no state, and the session is over, when one of its statements fails; with what the script's stream fails
   * with, and then the session is to be disposed at once.
   */
  feed(script: Readable, options: FeedOptions): Promise<void>;
}

export interface FeedOptions {
  /** This psql can be forbidden its own commands (`\\restrict`). */
  readonly restricted: boolean;
}

export interface SessionRequest {
  readonly connection: Connection;
  /** Path or name of psql. */
  readonly psql: string;
  readonly signal: AbortSignal;
}

interface Exchange {
  readonly resolve: (rows: readonly Row[]) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Opens a session.
 * @throws DbopsError SOURCE_REFUSED with the words of libpq or of the server
 */
export async function openSession({ connection, psql, signal }: SessionRequest): Promise<Session> {
  // Marks that no value can hold, because nobody knows them.
  const mark = `dbops-${Buffer.from(systemRandom(12)).toString('hex')}`;
  const args = ['--no-psqlrc', '--quiet', '--pset=format=csv', `--pset=null=${mark}`, '--pset=pager=off'];
  const {
    file,
    args: words,
    env,
    preface,
  } = connection.command(psql, [...args, ...databaseArguments(connection)], { PGCLIENTENCODING: 'UTF8' });
  const program = startProgram({ file, args: words, env, stdin: 'pipe', signal });
  program.child.stdin?.write(preface);
  const { query, feed, passBytes } = converse(program, mark, connection.label, signal);
  try {
    // Limits that are set for a role or by PGOPTIONS are meant for an application's statements.
    await query('SET statement_timeout = 0');
    const [row] = await query('SELECT pg_catalog.getdatabaseencoding() AS encoding');
    // Nothing is known of such bytes, and the server would refuse to call them UTF-8: each becomes one letter here.
    if (row?.['encoding'] === 'SQL_ASCII') {
      await query("SET client_encoding = 'SQL_ASCII'");
      passBytes();
    }
    // What our literals rely on, whatever is set for the role.
    await query('SET standard_conforming_strings = on');
  } catch (error) {
    await program[Symbol.asyncDispose]();
    throw error;
  }
  return {
    query,
    feed,
    [Symbol.asyncDispose]: async () => {
      // An open transaction ends with the connection.
      program.child.stdin?.end();
      await program[Symbol.asyncDispose]();
    },
  };
}

interface Conversation extends Pick<Session, 'query' | 'feed'> {
  /** From now on every byte is a letter, in both directions. */
  readonly passBytes: () => void;
}

/** One statement at a time, in the order of the calls. */
function converse(program: RunningProgram, mark: string, label: string, signal: AbortSignal): Conversation {
  const waiting: Exchange[] = [];
  let text = '';
  let said = '';
  let lost: Error | undefined;
  let encoding: 'utf8' | 'latin1' = 'utf8';
  let decoder = new StringDecoder(encoding);
  const { stdin, stdout, stderr } = program.child;
  stderr?.on('data', (piece: string) => (said = (said + piece).slice(-16_384)));
  stdout?.on('data', (bytes: Buffer) => {
    const piece = decoder.write(bytes);
    text += piece;
    // Only the new piece and the length of one mark before it can hold the end of an answer.
    for (let end = endOf(text, mark, piece.length); end !== undefined; end = endOf(text, mark, text.length)) {
      const exchange = waiting.shift();
      const answer = text.slice(0, end.from);
      text = text.slice(end.to);
      if (end.state === '') exchange?.resolve(parseCsv(answer, mark));
      else exchange?.reject(new SqlError(end.state, answer.trim()));
      said = '';
    }
  });
  void program.ended.then((end) => {
    lost = signal.aborted
      ? toError(signal.reason)
      : explainFailure(`no connection to ${label}`, end.stderr === '' ? describeEnd(end) : said || end.stderr);
    // Status 3 is that of a script which was told to stop at its first error.
    const reason = end.code === 3 && !signal.aborted ? new SqlError('', said.trim()) : lost;
    for (const { reject } of waiting.splice(0)) reject(reason);
  });
  const expect = (): Promise<readonly Row[]> => {
    const { promise, resolve, reject } = Promise.withResolvers<readonly Row[]>();
    waiting.push({ resolve, reject });
    return promise;
  };
  return {
    query: (sql) => {
      if (lost !== undefined) return Promise.reject(lost);
      const answer = expect();
      stdin?.write(`${sql}\n;\n${ending(mark)}`, encoding);
      return answer;
    },
    passBytes: () => {
      encoding = 'latin1';
      decoder = new StringDecoder(encoding);
    },
    feed: async (script, { restricted }) => {
      if (lost !== undefined) throw lost;
      const answer = expect();
      // When the script itself fails, nobody asks any more for what psql made of its beginning.
      answer.catch(() => undefined);
      const key = Buffer.from(systemRandom(16)).toString('hex');
      stdin?.write(scriptBegin.join('\n') + (restricted ? `\\restrict ${key}\n` : ''));
      await pump(script, program);
      stdin?.write(`\n;\n${restricted ? `\\unrestrict ${key}\n` : ''}${scriptEnd.join('\n')}\\echo '${mark}-end'\n`);
      await answer;
    },
  };
}

// Without the stop, the rows of a COPY that failed would be read as statements.
const scriptBegin = ['\\set ON_ERROR_STOP 1', '\\set ECHO errors', '\\o /dev/null', ''];
const scriptEnd = ['\\o', '\\set ECHO none', '\\set ON_ERROR_STOP 0', ''];

/** Passes a script on for as long as the program reads it. */
async function pump(script: Readable, { child: { stdin }, ended }: RunningProgram): Promise<void> {
  let over = stdin === null;
  void ended.then(() => (over = true));
  for await (const chunk of script as AsyncIterable<Buffer>) {
    if (over || stdin === null) break;
    if (!stdin.write(chunk)) await Promise.race([once(stdin, 'drain').catch(() => undefined), ended]);
  }
}

/** Tells the end of an answer and whether it is an error; psql sets these variables after each statement. */
function ending(mark: string): string {
  const failed = ['\\echo :LAST_ERROR_MESSAGE', `\\echo '${mark}-end' :SQLSTATE`];
  return ['\\if :ERROR', ...failed, '\\else', `\\echo '${mark}-end'`, '\\endif', ''].join('\n');
}

function endOf(text: string, mark: string, fresh: number): { from: number; to: number; state: string } | undefined {
  const from = text.indexOf(`${mark}-end`, Math.max(0, text.length - fresh - 80));
  if (from < 0) return undefined;
  const to = text.indexOf('\n', from);
  if (to < 0) return undefined;
  return { from, to: to + 1, state: text.slice(from + mark.length + 4, to).trim() };
}

function toError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}
