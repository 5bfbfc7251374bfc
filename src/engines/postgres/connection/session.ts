import { systemRandom } from '../../../platform/clock.ts';
import { startProgram, describeEnd, type RunningProgram } from '../../../platform/program.ts';
import { databaseArguments, type Connection } from './connection.ts';
import { parseCsv } from './csv.ts';
import { explainFailure } from './failure.ts';
import { SqlError, type Query, type Row } from './query.ts';

/** One connection to a server, held by psql, so that every setting of libpq means here what it means to people. */
export interface Session extends AsyncDisposable {
  readonly query: Query;
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
  const query = converse(program, mark, connection.label, signal);
  try {
    // What our literals rely on, whatever is set for the role.
    await query('SET standard_conforming_strings = on');
  } catch (error) {
    await program[Symbol.asyncDispose]();
    throw error;
  }
  return {
    query,
    [Symbol.asyncDispose]: async () => {
      // An open transaction ends with the connection.
      program.child.stdin?.end();
      await program[Symbol.asyncDispose]();
    },
  };
}

/** One statement at a time, in the order of the calls. */
function converse(program: RunningProgram, mark: string, label: string, signal: AbortSignal): Query {
  const waiting: Exchange[] = [];
  let text = '';
  let said = '';
  let lost: Error | undefined;
  const { stdin, stdout, stderr } = program.child;
  stderr?.on('data', (piece: string) => (said = (said + piece).slice(-16_384)));
  stdout?.setEncoding('utf8').on('data', (piece: string) => {
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
    for (const { reject } of waiting.splice(0)) reject(lost);
  });
  return (sql) => {
    if (lost !== undefined) return Promise.reject(lost);
    const { promise, resolve, reject } = Promise.withResolvers<readonly Row[]>();
    waiting.push({ resolve, reject });
    stdin?.write(`${sql}\n;\n${ending(mark)}`);
    return promise;
  };
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
