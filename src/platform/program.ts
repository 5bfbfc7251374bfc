import { spawn, type ChildProcess } from 'node:child_process';
import { Readable, type Writable } from 'node:stream';

/** How a program ended. */
export interface ProgramEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The last of what it said, without trailing white space. */
  readonly stderr: string;
}

export interface ProgramRequest {
  readonly file: string;
  readonly args: readonly string[];
  /** All of it: nothing of this process's own environment is added. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  /** What it reads: a text and then its end, what the caller writes into `child.stdin`, or nothing. */
  readonly stdin?: { readonly text: string } | 'pipe';
  /** What it writes: `pipe` to read it here, or a stream with a descriptor of its own, which is closed here. */
  readonly stdout?: 'pipe' | Writable;
  readonly signal: AbortSignal;
  /** Called with each piece of what it says. */
  readonly onStderr?: (text: string) => void;
}

export interface RunningProgram extends AsyncDisposable {
  readonly child: ChildProcess;
  /** Resolves when it has ended and all that it wrote was taken; never rejects. */
  readonly ended: Promise<ProgramEnd>;
}

const mostStderr = 64 * 1024;
const graceMs = 2_000;

/**
 * Starts a program in a session of its own, so that a Ctrl-C at the terminal reaches only us, who decide when it ends.
 * Aborting and disposing end it, first politely; a program that cannot be started ends with what the system said.
 */
export function startProgram(request: ProgramRequest): RunningProgram {
  const { file, args, env, stdin, stdout = 'pipe', signal } = request;
  signal.throwIfAborted();
  const child = spawn(file, [...args], {
    env: { ...env },
    ...(request.cwd === undefined ? {} : { cwd: request.cwd }),
    stdio: [stdin === undefined ? 'ignore' : 'pipe', stdout, 'pipe'],
    detached: true,
  });
  // The program has its own copy of the descriptor; ours would keep the reader waiting for an end.
  if (stdout !== 'pipe') stdout.destroy();
  // A program that ends without reading all of its input says by its status whether that was right.
  child.stdin?.on('error', () => undefined);
  if (typeof stdin === 'object') child.stdin?.end(stdin.text);
  let timer: NodeJS.Timeout | undefined;
  let isOver = false;
  const stop = (): void => {
    if (isOver || timer !== undefined) return;
    signalAll(child, 'SIGTERM');
    timer = setTimeout(() => {
      signalAll(child, 'SIGKILL');
      // Whatever still holds them is no part of it any more.
      child.stdout?.destroy();
      child.stderr?.destroy();
    }, graceMs);
  };
  signal.addEventListener('abort', stop, { once: true });
  const ended = endOf(child, request).finally(() => {
    isOver = true;
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
  });
  return {
    child,
    ended,
    [Symbol.asyncDispose]: async () => {
      stop();
      child.stdout?.destroy();
      await ended;
    },
  };
}

/** It and those that it started, as a shell in `via` does, while it lives: afterwards its number may be another's. */
function signalAll(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    child.kill(signal);
  }
}

function endOf(child: ChildProcess, { onStderr }: ProgramRequest): Promise<ProgramEnd> {
  const { promise, resolve } = Promise.withResolvers<ProgramEnd>();
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-mostStderr);
    onStderr?.(text);
  });
  child.once('error', (error) => {
    if (child.pid === undefined) resolve({ code: 127, signal: null, stderr: error.message });
  });
  child.once('close', (code, signal) => resolve({ code, signal, stderr: stderr.trimEnd() }));
  return promise;
}

type Failure = Error | undefined;

/** A program's output as a stream that fails after its last byte when the program has failed. */
export function outputOf(program: RunningProgram, failure: (end: ProgramEnd) => Failure | Promise<Failure>): Readable {
  const pieces = async function* (): AsyncGenerator<Buffer> {
    await using running = program;
    const { stdout } = running.child;
    if (stdout !== null) yield* stdout as AsyncIterable<Buffer>;
    const error = await failure(await running.ended);
    if (error !== undefined) throw error;
  };
  return Readable.from(pieces(), { objectMode: false, highWaterMark: 1 << 18 });
}

/** `status 3`, `signal SIGKILL`, with the last line of what the program said. */
export function describeEnd({ code, signal, stderr }: ProgramEnd): string {
  const how = signal === null ? `ended with status ${code}` : `was killed by ${signal}`;
  const said = stderr.split('\n').at(-1);
  return said === undefined || said === '' ? how : `${how}: ${said}`;
}
