import type { Writable } from 'node:stream';
import type { OutputProgram } from '../../../core/ports/codec.ts';
import {
  describeEnd,
  outputOf,
  startProgram,
  type ProgramEnd,
  type RunningProgram,
} from '../../../platform/program.ts';
import type { Connection } from '../connection/connection.ts';
import { explainFailure } from '../connection/failure.ts';

export interface DumpProgramRequest {
  readonly connection: Connection;
  /** Path or name of pg_dump or pg_dumpall. */
  readonly program: string;
  readonly args: readonly string[];
  readonly signal: AbortSignal;
  /** Known before it runs. */
  readonly warnings?: readonly string[];
  /** Makes the error for one that failed; by default from its own words. */
  readonly explain?: (error: Error) => Promise<Error>;
}

/** A dump program that is started when its output has somewhere to go. */
export interface DumpProgram extends OutputProgram, AsyncDisposable {
  /** Runs it to its end, where it writes into a folder. */
  run(): Promise<void>;
  /** What it said although it ended well. */
  readonly warnings: readonly string[];
}

export function createDumpProgram(request: DumpProgramRequest): DumpProgram {
  const { connection, program, args, signal, explain = async (error: Error) => error } = request;
  let running: RunningProgram | undefined;
  const warnings = [...(request.warnings ?? [])];
  const start = (stdout: 'pipe' | Writable): RunningProgram => {
    if (running !== undefined) throw new Error(`${program} was started twice`);
    const { file, args: words, env, preface } = connection.command(program, args);
    running = startProgram({
      file,
      args: words,
      env,
      stdout,
      ...(preface === '' ? {} : { stdin: { text: preface } }),
      signal,
    });
    return running;
  };
  const judge = async (end: ProgramEnd): Promise<Error | undefined> => {
    signal.throwIfAborted();
    if (end.code !== 0) return explain(failureOf(program, connection, end));
    warnings.push(...linesOf(end.stderr));
    return undefined;
  };
  const complete = async ({ ended }: RunningProgram): Promise<void> => {
    const error = await judge(await ended);
    if (error !== undefined) throw error;
  };
  return {
    read: () => outputOf(start('pipe'), judge),
    pipeInto: (input) => complete(start(input)),
    run: async () => {
      const started = start('pipe');
      started.child.stdout?.resume();
      await complete(started);
    },
    warnings,
    [Symbol.asyncDispose]: async () => running?.[Symbol.asyncDispose](),
  };
}

const changedMeanwhile =
  'If a table was dropped or altered meanwhile, run this again. Else see the log of the server for more.';

function failureOf(program: string, { label }: Connection, end: ProgramEnd): Error {
  const name = program.split('/').at(-1) ?? program;
  const what = `${name} of ${label} failed`;
  return end.stderr === '' || end.signal !== null
    ? explainFailure(what, describeEnd(end), 'TOOL_FAILED')
    : explainFailure(what, end.stderr, 'SOURCE_REFUSED', changedMeanwhile);
}

function linesOf(text: string): string[] {
  return text.split('\n').filter((line) => line.trim() !== '' && !knownWarning.test(line));
}

// What the facts of the database say already, in one line.
const knownWarning =
  /collation version mismatch|The database was created using collation version|Rebuild all objects in this database/;
