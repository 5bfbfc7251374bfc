import { Readable, type Writable } from 'node:stream';
import type { OutputProgram } from '../../../core/ports/codec.ts';
import { describeEnd, startProgram, type ProgramEnd, type RunningProgram } from '../../../platform/program.ts';
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
  const judge = async (end: ProgramEnd): Promise<void> => {
    signal.throwIfAborted();
    if (end.code === 0) return void warnings.push(...linesOf(end.stderr));
    throw await explain(failureOf(program, connection, end));
  };
  return {
    read: () => wholeOutput(start('pipe'), judge),
    pipeInto: async (input) => judge(await start(input).ended),
    run: async () => {
      const started = start('pipe');
      started.child.stdout?.resume();
      await judge(await started.ended);
    },
    warnings,
    [Symbol.asyncDispose]: async () => running?.[Symbol.asyncDispose](),
  };
}

function failureOf(program: string, { label }: Connection, end: ProgramEnd): Error {
  const name = program.split('/').at(-1) ?? program;
  const what = `${name} of ${label} failed`;
  return end.stderr === '' || end.signal !== null
    ? explainFailure(what, describeEnd(end), 'TOOL_FAILED')
    : explainFailure(what, end.stderr);
}

/** The output, which ends well only when the program has. */
function wholeOutput(running: RunningProgram, judge: (end: ProgramEnd) => Promise<void>): Readable {
  const { stdout } = running.child;
  if (stdout === null) throw new Error('started without an output');
  const pieces = async function* (): AsyncGenerator<Buffer> {
    await using program = running;
    yield* stdout as AsyncIterable<Buffer>;
    await judge(await program.ended);
  };
  return Readable.from(pieces(), { objectMode: false, highWaterMark: 1 << 18 });
}

function linesOf(text: string): string[] {
  return text.split('\n').filter((line) => line.trim() !== '');
}
