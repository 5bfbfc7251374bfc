import { once } from 'node:events';
import { Readable, type Writable } from 'node:stream';
import { describeEnd, startProgram, type ProgramEnd } from '../../../platform/program.ts';
import { explainFailure } from '../connection/failure.ts';

export interface PgRestoreRequest {
  readonly program: string;
  /** Where a compressor or a library may lie. */
  readonly path: string | undefined;
  readonly args: readonly string[];
  /** Opens the archive, where it is not a file that the arguments name. */
  readonly input: (() => Promise<Readable>) | undefined;
  readonly label: string;
  readonly signal: AbortSignal;
}

/**
 * What pg_restore makes of an archive, without a server. The stream ends well only when the program has, and when the
 * archive was read to its own end: only there it is known whether its bytes are those that were stored.
 */
export function readByPgRestore(request: PgRestoreRequest): Readable {
  return Readable.from(pieces(request), { objectMode: false, highWaterMark: 1 << 18 });
}

async function* pieces(request: PgRestoreRequest): AsyncGenerator<Buffer> {
  const { program: file, args, input, path, label, signal } = request;
  const source = await input?.();
  const env = { PATH: path, LC_ALL: 'C' };
  await using program = startProgram({
    file,
    args,
    env,
    ...(source === undefined ? {} : { stdin: 'pipe' as const }),
    signal,
  });
  const { stdin, stdout } = program.child;
  const poured = source === undefined || stdin === null ? undefined : pour(source, stdin);
  try {
    if (stdout !== null) yield* stdout as AsyncIterable<Buffer>;
    const failure = await poured;
    const end = await program.ended;
    signal.throwIfAborted();
    // What the archive says of itself comes before what the program makes of its end.
    if (failure !== undefined) throw failure;
    if (end.code !== 0) throw explain(label, end);
  } finally {
    source?.destroy();
  }
}

/** Gives all of it to a program that may stop reading when it has what it wants. Resolves with the source's failure. */
async function pour(source: Readable, sink: Writable): Promise<Error | undefined> {
  const closed = once(sink, 'close').catch(() => undefined);
  try {
    for await (const chunk of source as AsyncIterable<Buffer>) {
      if (sink.destroyed || sink.write(chunk)) continue;
      await Promise.race([once(sink, 'drain').catch(() => undefined), closed]);
    }
    return undefined;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  } finally {
    sink.end();
  }
}

function explain(label: string, end: ProgramEnd): Error {
  return end.signal !== null || end.stderr === ''
    ? explainFailure(`pg_restore failed on ${label}`, describeEnd(end), 'TOOL_FAILED')
    : explainFailure(`${label} cannot be read`, end.stderr, 'DAMAGED');
}
