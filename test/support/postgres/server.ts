import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdtempSync, readFileSync, realpathSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { processesIn } from '../processes.ts';

// The text and not the file: the server's user may be unable to read the project.
const guard = readFileSync(fileURLToPath(new URL('guard.sh', import.meta.url)), 'utf8');

export interface Server {
  readonly pid: number;
  /** Ends it at once, as a crash would, and removes its folder. */
  stop(): Promise<void>;
  /** SIGKILL to the postmaster alone; resolves when it and its sessions are gone. The folder stays until `stop`. */
  kill(): Promise<void>;
}

/** A user and a group that PostgreSQL accepts: this one, or `postgres` where this one is root. */
export type Account = { readonly uid: number; readonly gid: number } | Record<string, never>;

/** @throws when this is root and the machine has no user `postgres`. */
export async function serverAccount(): Promise<Account> {
  if (process.getuid?.() !== 0) return {};
  const { stdout } = await execa('id', ['-u', 'postgres']);
  const { stdout: group } = await execa('id', ['-g', 'postgres']);
  return { uid: Number(stdout), gid: Number(group) };
}

/** A folder of the server's user with a name short enough for a socket (107 bytes), which everybody may enter. */
export function serverFolder(account: Account): string {
  const base = realpathSync(tmpdir());
  const folder = mkdtempSync(join(base.length < 60 ? base : '/tmp', 'dbops-pg-'));
  if (account.uid !== undefined) chownSync(folder, account.uid, account.gid);
  chmodSync(folder, 0o755);
  return folder;
}

/**
 * Starts the cluster in `<folder>/data`; it ends with this process, whatever ends that.
 * @throws with the server's log when it does not come up within a minute; nothing is left then.
 */
export async function startServer(folder: string, binDir: string, account: Account): Promise<Server> {
  const child = spawn('sh', ['-c', guard, 'guard.sh', folder, join(binDir, 'postgres'), '-D', join(folder, 'data')], {
    ...account,
    cwd: folder,
    detached: true,
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { PATH: '/usr/bin:/bin', LC_ALL: 'C.UTF-8', TZ: 'UTC' },
  });
  const ended = once(child, 'close');
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const pid = Number(line.toString());
  child.unref();
  const server: Server = {
    pid,
    stop: async () => {
      child.ref();
      child.stdin.end();
      await ended;
    },
    kill: async () => {
      process.kill(pid, 'SIGKILL');
      await until(() => processesIn(join(folder, 'data')).length === 0, 'the sessions of a killed server');
    },
  };
  try {
    await untilReady(folder, pid);
  } catch (error) {
    const log = readFileSync(join(folder, 'log'), 'utf8');
    await server.stop();
    throw new Error(`PostgreSQL does not come up\n${log}`, { cause: error });
  }
  return server;
}

/** The eighth line of postmaster.pid is the state of the server since PostgreSQL 10. */
async function untilReady(folder: string, pid: number): Promise<void> {
  const state = (): string | undefined => {
    try {
      return readFileSync(join(folder, 'data/postmaster.pid'), 'utf8').split('\n')[7]?.trim();
    } catch {
      return undefined;
    }
  };
  await until(() => {
    if (hasEnded(pid)) throw new Error('the server has ended');
    return state() === 'ready';
  }, 'the server');
}

/** Ended, or only waiting to be collected. */
function hasEnded(pid: number): boolean {
  try {
    return /^State:\s*Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return true;
  }
}

async function until(done: () => boolean, what: string): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!done()) {
    if (Date.now() > deadline) throw new Error(`waited a minute for ${what}`);
    await delay(10);
  }
}

/** A port of the loopback that was free a moment ago. */
export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  probe.close();
  await once(probe, 'close');
  return address.port;
}
