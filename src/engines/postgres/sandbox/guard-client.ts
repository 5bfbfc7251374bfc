import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { DbopsError } from '../../../core/errors.ts';
import { removeShortFolder } from '../../../platform/short-folder.ts';
import type { ClusterOrder, GuardReply } from './guard-protocol.ts';

/** A guard and its cluster. Disposing ends both and waits until they and their files are gone. */
export interface Guard extends AsyncDisposable {
  /** Starts the cluster; gives its locale. To be called once. */
  start(order: ClusterOrder): Promise<string>;
  /** The last that the cluster's programs wrote. */
  log(): string;
}

// Sources run as TypeScript in tests and as JavaScript once built.
const program = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? './guard.ts' : './guard.js', import.meta.url));
const logLimit = 64 * 1024;
const endWithinMs = 30_000;

/** Starts a guard for the folder `home`, which it removes with all that belongs to it. Aborting does the same. */
export function startGuard(home: string, signal: AbortSignal): Guard {
  signal.throwIfAborted();
  const child = fork(program, [home], {
    // Only what finding libraries may need: no secrets of ours, no NODE_OPTIONS of somebody else's.
    env: { PATH: process.env['PATH'], LD_LIBRARY_PATH: process.env['LD_LIBRARY_PATH'] },
    execArgv: ['--disable-warning=ExperimentalWarning'],
    // A Ctrl-C reaches the whole foreground group; only we decide when the cluster has to end.
    detached: true,
    cwd: '/',
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  // There is no `close` after a disconnect from this side.
  const ended = once(child, 'exit');
  ended.catch(() => undefined);
  let log = '';
  child.on('message', (reply: GuardReply) => {
    if (reply.type === 'log') log = (log + reply.text).slice(-logLimit);
  });
  const release = (): void => {
    if (child.connected) child.disconnect();
  };
  signal.addEventListener('abort', release, { once: true });
  return {
    start: (order) => orderCluster(child, order, signal),
    log: () => log,
    [Symbol.asyncDispose]: async () => {
      signal.removeEventListener('abort', release);
      release();
      // A guard that hangs is not waited for: what it would have done is done here.
      const late = AbortSignal.timeout(endWithinMs);
      late.addEventListener('abort', () => child.kill('SIGKILL'), { once: true });
      await ended.catch(() => undefined);
      await removeShortFolder(home);
    },
  };
}

function orderCluster(child: ChildProcess, order: ClusterOrder, signal: AbortSignal): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const onMessage = (reply: GuardReply): void => {
    if (reply.type === 'ready') resolve(reply.locale);
    else if (reply.type === 'failed') reject(failure(reply));
  };
  const onExit = (code: number | null, by: string | null): void => {
    if (signal.aborted) return reject(signal.reason);
    const how = by === null ? `ended with status ${code}` : `was killed by ${by}`;
    return reject(
      new DbopsError('TOOL_FAILED', `the process that guards the throw-away cluster ${how}`, {
        hint: 'The system may be short of memory: see its kernel log, then run this again.',
      }),
    );
  };
  const onAbort = (): void => reject(signal.reason);
  child.on('message', onMessage).on('exit', onExit).on('error', reject);
  signal.addEventListener('abort', onAbort, { once: true });
  // One that ended before it was asked is the same as one that ends at work.
  if (signal.aborted) onAbort();
  else if (child.exitCode !== null || child.signalCode !== null) onExit(child.exitCode, child.signalCode);
  else child.send(order, () => undefined);
  return promise.finally(() => {
    signal.removeEventListener('abort', onAbort);
    child.off('message', onMessage).off('exit', onExit).off('error', reject);
  });
}

function failure(reply: GuardReply & { type: 'failed' }): Error {
  const { code, message, hint } = reply;
  if (code !== null) return new DbopsError(code, message, hint === null ? {} : { hint });
  const error = new Error(message);
  if (hint !== null) error.stack = hint;
  return error;
}
