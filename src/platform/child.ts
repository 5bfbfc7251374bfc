import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Readable } from 'node:stream';
import type { ByteSource, OutputProgram } from '../core/ports/codec.ts';
import { describeEnd, outputOf, startProgram } from './program.ts';

/** The absolute path of a program on PATH, or undefined. Empty and relative entries are ignored, as cron's are. */
export function findTool(name: string, path: string | undefined): string | undefined {
  return (path ?? '')
    .split(delimiter)
    .filter((folder) => folder.startsWith('/'))
    .map((folder) => join(folder, name))
    .find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

/**
 * Runs a program as a filter. The stream it gives fails when the program fails, however well its bytes look: a
 * `stdout` alone would end as if all were well. A file is read by the program itself, so that its bytes do not pass
 * through JavaScript. Aborting ends the program first and then the stream. Its environment is `env` and nothing else.
 */
export async function filterThrough(
  program: string,
  args: readonly string[],
  source: ByteSource,
  signal: AbortSignal,
  env: Readonly<Record<string, string | undefined>> = {},
): Promise<Readable> {
  if (source.type === 'program') return joinPrograms(source.program, { program, args, env, signal });
  const execa = await loadExeca();
  const options = {
    buffer: { stdout: false, stderr: true },
    maxBuffer: { stderr: 64 * 1024 },
    encoding: 'buffer',
    cancelSignal: signal,
    forceKillAfterDelay: 2_000,
    // A Ctrl-C reaches the whole foreground group; only we decide when a child has to end.
    detached: true,
    extendEnv: false,
    env: { ...env, LC_ALL: 'C' },
  } as const;
  if (source.type === 'stream') {
    const child = execa(program, args, options);
    source.stream.once('error', (error) => child.kill(error));
    source.stream.pipe(child.writable().once('error', () => source.stream.destroy()));
    return child.readable();
  }
  return execa(program, [...args, '--', source.path], { ...options, stdin: 'ignore' }).readable();
}

interface Filter {
  readonly program: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

/** Two programs joined by a pipe of the operating system; what comes out fails when either of them does. */
function joinPrograms(producer: OutputProgram, { program, args, env, signal }: Filter): Readable {
  const filter = startProgram({ file: program, args, env: { ...env, LC_ALL: 'C' }, stdin: 'pipe', signal });
  const { stdin } = filter.child;
  if (stdin === null) throw new Error('started without an input');
  const produced = producer.pipeInto(stdin);
  // Told when the filter has ended; until then nobody listens.
  produced.catch(() => undefined);
  return outputOf(filter, async (end) => {
    // A filter that died takes its producer with it, so its own failure comes first. A producer that failed has ended its
    // output like one that has done all of its work.
    const failed = await produced.catch((error: unknown) => toError(error));
    return end.code === 0 ? (failed ?? undefined) : new Error(`${program} ${describeEnd(end)}`);
  });
}

function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

// Longer than any program takes to say its version.
const answerWithinMs = 10_000;

/**
 * What a program writes to its standard output before it ends well; at most 64 KiB. It gets no secrets of ours.
 * @throws what execa throws, when it fails, or takes longer than ten seconds
 */
export async function outputOfProgram(program: string, args: readonly string[]): Promise<string> {
  const execa = await loadExeca();
  const { stdout } = await execa(program, args, {
    stdin: 'ignore',
    maxBuffer: 64 * 1024,
    timeout: answerWithinMs,
    forceKillAfterDelay: 2_000,
    detached: true,
    extendEnv: false,
    env: { LC_ALL: 'C', PATH: process.env['PATH'], LD_LIBRARY_PATH: process.env['LD_LIBRARY_PATH'] },
  });
  return stdout;
}

// Loaded by the runs that need it: every other one starts sooner.
const loadExeca = async () => (await import('execa')).execa;
