import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, chown, mkdir, open, type FileHandle } from 'node:fs/promises';
import { DbopsError } from '../../../core/errors.ts';
import { initdbArguments, serverArguments } from './cluster-settings.ts';
import type { ClusterOrder } from './guard-protocol.ts';

export interface Cluster {
  /** What it got: `C` where the wanted one is not installed or does not go with the encoding. */
  readonly locale: string;
  /** Ends it at once and waits until it is gone. */
  stop(): Promise<void>;
}

export interface ClusterEvents {
  readonly signal: AbortSignal;
  readonly onLog: (text: string) => void;
  /** Variables the programs get. */
  readonly environment: NodeJS.ProcessEnv;
}

const ownFolders = '/proc/self/fd';
const folderHandle = 3;
const outputLimit = 64 * 1024;
const stopWithinMs = 8_000;

/**
 * Makes a cluster and starts its server, which is ready when this resolves. Nothing is left running when it rejects.
 * @throws DbopsError TOOL_FAILED, NO_SPACE
 */
export async function startCluster(order: ClusterOrder, events: ClusterEvents): Promise<Cluster> {
  const { account } = order;
  for (const folder of [order.data, order.socketFolder]) {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await chmod(folder, 0o700);
    if (account !== null) await chown(folder, account.uid, account.gid);
  }
  const folder = await open(order.data);
  try {
    // The programs get the folder as an open file: so they need not pass through those above it, which may be closed
    // to their user, and its name may be anything.
    const dataFolder = existsSync(ownFolders) ? `${ownFolders}/${folderHandle}` : order.data;
    const args = serverArguments(dataFolder, order.socketFolder, order.settings);
    const locale = await makeCluster(order, dataFolder, folder, events);
    const server = await startServer(order, args, folder, events);
    return { locale, stop: () => stopServer(server) };
  } finally {
    await folder.close();
  }
}

/** Gives the locale of the cluster that it made. */
async function makeCluster(
  order: ClusterOrder,
  dataFolder: string,
  folder: FileHandle,
  events: ClusterEvents,
): Promise<string> {
  for (const locale of new Set([order.locale, 'C'])) {
    const args = initdbArguments(dataFolder, order.encoding, locale);
    const { child, output } = run(order.programs.initdb, args, order, folder, events);
    const end = (): void => void child.kill('SIGKILL');
    events.signal.addEventListener('abort', end, { once: true });
    const status = await closed(child);
    events.signal.removeEventListener('abort', end);
    events.signal.throwIfAborted();
    if (status === 0) return locale;
    const lacksLocale = /locale|encoding mismatch/i.test(output());
    if (locale === 'C' || !lacksLocale) throw failure('initdb', output());
  }
  throw failure('initdb', '');
}

// A program that cannot be run closes too, after its error.
async function closed(child: ChildProcess): Promise<number | null> {
  const { promise, resolve } = Promise.withResolvers<number | null>();
  child.once('close', resolve);
  return promise;
}

async function startServer(
  order: ClusterOrder,
  args: readonly string[],
  folder: FileHandle,
  events: ClusterEvents,
): Promise<ChildProcess> {
  const { child, output } = run(order.programs.postgres, args, order, folder, events);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  child.stderr?.on('data', (): void => {
    if (output().includes('database system is ready to accept connections')) resolve();
  });
  const ended = (): void => reject(failure('postgres', output()));
  child.once('close', ended);
  const end = (): void => reject(events.signal.reason);
  events.signal.addEventListener('abort', end, { once: true });
  try {
    events.signal.throwIfAborted();
    await promise;
    return child;
  } catch (error) {
    await stopServer(child);
    throw error;
  } finally {
    child.off('close', ended);
    events.signal.removeEventListener('abort', end);
  }
}

async function stopServer(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null || server.pid === undefined) return;
  const ended = once(server, 'exit');
  server.kill('SIGQUIT');
  // An immediate shutdown kills its own children after five seconds.
  const late = AbortSignal.timeout(stopWithinMs);
  late.addEventListener('abort', () => server.kill('SIGKILL'), { once: true });
  await ended;
}

interface Run {
  readonly child: ChildProcess;
  /** The last that it wrote. */
  readonly output: () => string;
}

function run(
  program: string,
  args: readonly string[],
  { account }: ClusterOrder,
  folder: FileHandle,
  { onLog, environment }: ClusterEvents,
): Run {
  const options: SpawnOptions = {
    cwd: '/',
    stdio: ['ignore', 'pipe', 'pipe', folder.fd],
    // The time zone is given because initdb would search for it.
    env: { ...environment, LC_ALL: 'C', TZ: 'UTC' },
    ...account,
  };
  const child = spawn(program, args, options);
  let output = '';
  const collect = (chunk: Buffer): void => {
    output = (output + chunk.toString()).slice(-outputLimit);
    onLog(chunk.toString());
  };
  child.stdout?.on('data', collect);
  child.stderr?.on('data', collect);
  child.on('error', (error) => collect(Buffer.from(`${error.message}\n`)));
  return { child, output: () => output };
}

function failure(program: string, output: string): DbopsError {
  const lines = output.split('\n').filter((line) => line.trim() !== '');
  const told = lines.findLast((line) => /error:|FATAL|PANIC|spawn /.test(line)) ?? lines.at(-1) ?? 'it said nothing';
  const words = told.replace(/^.*?(?:error|FATAL|PANIC):\s*/, '');
  if (/No space left on device|Disk quota exceeded/.test(output)) {
    return new DbopsError('NO_SPACE', `no space for a throw-away cluster: ${words}`, {
      hint: 'Free space there, or name a place with more room with --scratch-dir.',
    });
  }
  return new DbopsError('TOOL_FAILED', `${program} could not start a throw-away cluster: ${words}`, {
    hint: 'See what it says, or name a server to test on with --scratch-url.',
  });
}
