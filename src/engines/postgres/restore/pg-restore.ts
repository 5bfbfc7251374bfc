import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { hasCode, type ErrorCode } from '../../../core/errors.ts';
import { describeEnd, startProgram, type ProgramEnd } from '../../../platform/program.ts';
import { databaseArguments, type Connection } from '../connection/connection.ts';
import { explainFailure } from '../connection/failure.ts';
import { withoutRowData } from '../connection/row-data.ts';

export interface RestoreProgramRequest {
  readonly connection: Connection;
  /** Path or name of pg_restore or psql. */
  readonly program: string;
  readonly args: readonly string[];
  /** Read by the program; where there is none, the arguments name a file. */
  readonly input: Readable | undefined;
  readonly signal: AbortSignal;
  /** Statements that fail are warnings. */
  readonly keepGoing: boolean;
  /** The error when the server refuses a statement. */
  readonly refusal: Refusal;
  /** For messages: what is being restored. */
  readonly label: string;
}

export interface Refusal {
  readonly code: ErrorCode;
  /** Where the general one would not help. */
  readonly hint?: string;
}

/**
 * Runs a program that restores. Gives what it said although it ended well, or what failed where that was allowed.
 * @throws DbopsError with the statement and the server's words
 */
export async function runRestore(request: RestoreProgramRequest): Promise<string[]> {
  const { connection, program, args, input, signal } = request;
  const words = [...args, ...databaseArguments(connection)];
  const { file, args: all, env, preface } = connection.command(program, words);
  const withInput = input !== undefined || preface !== '';
  await using running = startProgram({ file, args: all, env, ...(withInput ? { stdin: 'pipe' } : {}), signal });
  running.child.stdout?.resume();
  const { stdin } = running.child;
  stdin?.write(preface);
  const fed = stdin === null || input === undefined ? end(stdin) : feed(input, stdin);
  const [failure] = await Promise.all([fed, running.ended]);
  const ended = await running.ended;
  signal.throwIfAborted();
  // What the input says of itself (damaged, refused) comes before what the program makes of its end.
  if (failure !== undefined) throw failure;
  return judge(request, ended);
}

async function end(stdin: { end(): void } | null): Promise<undefined> {
  stdin?.end();
  return undefined;
}

/** Resolves with the failure of the input, if it is the input's. */
async function feed(input: Readable, stdin: NodeJS.WritableStream): Promise<Error | undefined> {
  try {
    await pipeline(input, stdin);
    return undefined;
  } catch (error) {
    // The program stopped reading: why, it says itself.
    if (hasCode(error, 'EPIPE') || hasCode(error, 'ERR_STREAM_PREMATURE_CLOSE') || hasCode(error, 'ECONNRESET'))
      return undefined;
    return error instanceof Error ? error : new Error(String(error));
  }
}

function judge({ program, keepGoing, refusal, label }: RestoreProgramRequest, ended: ProgramEnd): string[] {
  const said = withoutRowData(ended.stderr)
    .split('\n')
    .filter((line) => line.trim() !== '');
  if (ended.code === 0) return said.filter((line) => !/^(SET|NOTICE)\b/.test(line));
  if (keepGoing && ended.code === 1 && ended.signal === null) return said;
  const name = program.split('/').at(-1) ?? program;
  if (ended.signal !== null || ended.stderr === '') {
    throw explainFailure(`${name} failed on ${label}`, describeEnd(ended), 'TOOL_FAILED');
  }
  const otherwise = name === 'psql' ? scriptHint : archiveHint;
  throw explainFailure(`${label} cannot be restored`, conciseOf(said), refusal.code, refusal.hint ?? otherwise);
}

const scriptHint = 'Create what it needs on that server, or correct the script, and run this again.';
const archiveHint =
  'Create what it needs on that server and run this again, or add --keep-going: statements that fail are warnings then.';

/** The server's words and the statement they are about; not the progress before them. */
function conciseOf(said: readonly string[]): string {
  const from = said.findIndex((line) => /\b(ERROR|FATAL|error):/.test(line));
  return said.slice(Math.max(0, from)).join('\n').slice(0, 1_500);
}
