import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { vi } from 'vitest';
import type { Cluster } from './cluster.ts';
import { freePort, serverAccount, serverFolder } from './server.ts';

export interface Pooler extends AsyncDisposable {
  url(database: string): string;
}

/** PgBouncer before a cluster, with few connections to it, on a port of 127.0.0.1; disposing ends it. */
export async function startPooler(cluster: Cluster, mode: 'transaction' | 'session', size = 1): Promise<Pooler> {
  const account = await serverAccount();
  const folder = serverFolder(account);
  const port = await freePort();
  const config = join(folder, 'pgbouncer.ini');
  const lines = [
    '[databases]',
    `* = host=${cluster.socketFolder} port=${cluster.port} user=postgres`,
    '[pgbouncer]',
    'listen_addr = 127.0.0.1',
    `listen_port = ${port}`,
    'unix_socket_dir =',
    'auth_type = any',
    `pool_mode = ${mode}`,
    `default_pool_size = ${size}`,
    'ignore_startup_parameters = extra_float_digits,options',
    `logfile = ${join(folder, 'log')}`,
  ];
  writeFileSync(config, `${lines.join('\n')}\n`);
  chmodSync(config, 0o600);
  if (account.uid !== undefined) chownSync(config, account.uid, account.gid);
  const child = spawn('/usr/sbin/pgbouncer', ['-q', config], { ...account, cwd: folder, stdio: 'ignore' });
  const ended = once(child, 'exit');
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await vi.waitFor(() => reach(port), { timeout: 10_000, interval: 50 });
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    url: (database) => `postgresql://postgres@127.0.0.1:${port}/${encodeURIComponent(database)}`,
    [Symbol.asyncDispose]: stop,
  };
}

async function reach(port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
  } finally {
    socket.destroy();
  }
}
