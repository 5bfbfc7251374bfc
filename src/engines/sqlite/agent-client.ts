import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { DbopsError } from '../../core/errors.ts';
import type { AgentReply } from './agent-protocol.ts';
import type { JobName, Jobs, OnProgress } from './jobs/job.ts';

/** An agent process. Disposing ends it and waits until it is gone, so that its files may be removed after that. */
export interface Agent extends AsyncDisposable {
  /** Runs one job; aborting kills the agent. */
  run<N extends JobName>(job: N, input: Jobs[N]['input'], onProgress?: OnProgress): Promise<Jobs[N]['output']>;
}

// Sources run as TypeScript in tests and as JavaScript once built.
const program = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? './agent.ts' : './agent.js', import.meta.url));

export function startAgent(signal: AbortSignal): Agent {
  signal.throwIfAborted();
  const child = fork(program, [], {
    // Only what SQLite itself may need: no secrets of ours, no NODE_OPTIONS of somebody else's.
    env: { PATH: process.env['PATH'], TMPDIR: process.env['TMPDIR'], SQLITE_TMPDIR: process.env['SQLITE_TMPDIR'] },
    execArgv: ['--disable-warning=ExperimentalWarning'],
    // A Ctrl-C reaches the whole foreground group; only we decide when the agent has to end.
    detached: true,
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  const ended = once(child, 'close');
  const kill = (): void => void child.kill('SIGKILL');
  signal.addEventListener('abort', kill, { once: true });
  return {
    run: (job, input, onProgress) => runJob(child, { job, input }, onProgress, signal) as Promise<never>,
    [Symbol.asyncDispose]: async () => {
      signal.removeEventListener('abort', kill);
      kill();
      await ended;
    },
  };
}

function runJob(
  child: ChildProcess,
  request: object,
  onProgress: OnProgress | undefined,
  signal: AbortSignal,
): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const onMessage = (reply: AgentReply): void => {
    if (reply.type === 'progress') onProgress?.(reply.bytes, reply.totalBytes);
    else if (reply.type === 'result') resolve(reply.value);
    else reject(failure(reply));
  };
  const onExit = (code: number | null, by: string | null): void => {
    if (signal.aborted) return reject(signal.reason);
    const how = by === null ? `ended with status ${code}` : `was killed by ${by}`;
    return reject(
      new DbopsError('TOOL_FAILED', `the SQLite process ${how}`, {
        hint:
          by === 'SIGKILL'
            ? 'The system may be short of memory: see its kernel log, then run this again.'
            : 'Run this again. If it dies every time, the file may be hostile: restore or verify another backup.',
      }),
    );
  };
  child.on('message', onMessage).on('exit', onExit).on('error', reject);
  // An agent that ended before it was asked is the same as one that ends at work; a failed `send` means that it is
  // about to have ended.
  if (child.exitCode !== null || child.signalCode !== null) onExit(child.exitCode, child.signalCode);
  else child.send(request, () => undefined);
  return promise.finally(() => child.off('message', onMessage).off('exit', onExit).off('error', reject));
}

function failure(reply: AgentReply & { type: 'error' }): Error {
  const { code, message, hint } = reply;
  if (code !== null) return new DbopsError(code, message, hint === null ? {} : { hint });
  const error = new Error(message);
  if (hint !== null) error.stack = hint;
  return error;
}
