import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { freePort } from '../postgres/server.ts';

const guard = fileURLToPath(new URL('guard.sh', import.meta.url));

/** How to reach a store, and who may. */
export interface StoreAccess {
  /** `http://127.0.0.1:port` */
  readonly endpoint: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export interface CephGateway extends AsyncDisposable {
  readonly access: StoreAccess;
}

/**
 * A store that speaks S3: Ceph's gateway with one monitor and one object server, all in memory. About ten seconds. It
 * ends with this process, whatever ends that.
 * @throws when a program is missing or does not come up, with its words.
 */
export async function startGateway(): Promise<CephGateway> {
  const folder = mkdtempSync(join(realpathSync(tmpdir()), 'dbops-s3-'));
  const programs: Program[] = [];
  const stop = async (): Promise<void> => {
    for (const program of programs.toReversed()) await program.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const access = await startPrograms(folder, programs);
    return { access, [Symbol.asyncDispose]: stop };
  } catch (error) {
    const words = programs.map(({ log }) => readFileSync(log, 'utf8').slice(-2_000)).join('\n');
    await stop();
    throw new Error(`the S3 server does not come up\n${words}`, { cause: error });
  }
}

async function startPrograms(folder: string, programs: Program[]): Promise<StoreAccess> {
  const [fsid, monitorPort, port] = [randomUUID(), await freePort(), await freePort()];
  const config = join(folder, 'ceph.conf');
  writeFileSync(config, configuration(folder, fsid, monitorPort));
  const monitor = `[v1:127.0.0.1:${monitorPort}]`;
  await execa('monmaptool', ['--create', '--addv', 'a', monitor, '--fsid', fsid, join(folder, 'monmap')]);
  await execa('ceph-mon', ['-c', config, '--mkfs', '-i', 'a', '--monmap', join(folder, 'monmap')]);
  programs.push(startProgram(folder, 'mon', ['ceph-mon', '-c', config, '-f', '-i', 'a']));
  const osd = randomUUID();
  await execa('ceph', ['-c', config, 'osd', 'new', osd], { timeout: 30_000 });
  mkdirSync(join(folder, 'osd.0'));
  await execa('ceph-osd', ['-c', config, '-i', '0', '--mkfs', '--osd-uuid', osd]);
  const server = ['ceph-osd', '-c', config, '-f', '-i', '0'];
  programs.push(startProgram(folder, 'osd', ['sh', '-c', untilItStays, 'sh', ...server]));
  const frontend = ['--rgw-frontends', `beast endpoint=127.0.0.1:${port}`];
  programs.push(startProgram(folder, 'rgw', ['radosgw', '-c', config, '-f', '-n', 'client.rgw.a', ...frontend]));
  const endpoint = `http://127.0.0.1:${port}`;
  await untilAnswering(endpoint);
  const access = { endpoint, accessKeyId: 'TESTACCESSKEY0001', secretAccessKey: 'test/secret+key-of-the-store' };
  const keys = ['--access-key', access.accessKeyId, '--secret-key', access.secretAccessKey];
  const user = ['user', 'create', '--uid', 'test', '--display-name', 'test', ...keys];
  await execa('radosgw-admin', ['-c', config, ...user], { timeout: 60_000 });
  return access;
}

function configuration(folder: string, fsid: string, monitorPort: number): string {
  const quiet = ['rgw', 'osd', 'mon', 'ms', 'paxos', 'rocksdb', 'memstore', 'objecter', 'client', 'auth', 'monc'];
  const settings = {
    fsid,
    mon_host: `v1:127.0.0.1:${monitorPort}/0`,
    mon_initial_members: 'a',
    auth_cluster_required: 'none',
    auth_service_required: 'none',
    auth_client_required: 'none',
    osd_pool_default_size: 1,
    osd_pool_default_min_size: 1,
    osd_pool_default_pg_num: 1,
    osd_pool_default_pg_autoscale_mode: 'off',
    mon_allow_pool_size_one: true,
    mon_warn_on_pool_no_redundancy: false,
    mon_data_avail_crit: 1,
    mon_data_avail_warn: 1,
    osd_crush_chooseleaf_type: 0,
    osd_objectstore: 'memstore',
    memstore_device_bytes: 16 * 2 ** 30,
    ms_bind_msgr2: false,
    public_network: '127.0.0.0/8',
    public_addr: '127.0.0.1',
    run_dir: folder,
    log_file: join(folder, '$name.ceph.log'),
    admin_socket: '',
    pid_file: '',
    mon_data: join(folder, 'mon.$id'),
    osd_data: join(folder, 'osd.$id'),
    ...Object.fromEntries(quiet.map((name) => [`debug_${name}`, '0/0'])),
  };
  return `[global]\n${Object.entries(settings)
    .map(([name, value]) => `${name} = ${value}\n`)
    .join('')}`;
}

interface Program {
  readonly log: string;
  stop(): Promise<void>;
}

// The object server gives up when it asks before the monitor has told it who it is.
const untilItStays = 'for n in 1 2 3 4 5; do "$@"; sleep 0.2; done';

function startProgram(folder: string, name: string, command: readonly string[]): Program {
  const child = spawn('sh', [guard, folder, name, ...command], {
    cwd: folder,
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8', TZ: 'UTC' },
  });
  const ended = once(child, 'close');
  child.unref();
  return {
    log: join(folder, `${name}.log`),
    stop: async () => {
      child.ref();
      child.stdin.end();
      await ended;
    },
  };
}

async function untilAnswering(endpoint: string): Promise<void> {
  const deadline = Date.now() + 90_000;
  for (;;) {
    try {
      await fetch(endpoint);
      return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await delay(100);
    }
  }
}
