import { appendFile, chmod, chown, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { programsOf } from './programs.ts';
import { type Account, freePort, type Server, serverAccount, serverFolder, startServer } from './server.ts';
import { writeCertificate } from './tls.ts';
import { type PostgresVersion, postgresVersions } from './versions.ts';

export type Settings = Readonly<Record<string, string | number | boolean>>;

export interface ClusterOptions {
  /** The first of the switch `DBOPS_TEST_PG` without it. */
  readonly version?: PostgresVersion;
  /** `UTF8` without it. */
  readonly encoding?: string;
  /** `C.UTF-8` without it, and `C` for other encodings. */
  readonly locale?: string;
  /** Lines of postgresql.conf, beyond those that make a throw-away server fast. */
  readonly settings?: Settings;
  /** All of pg_hba.conf; `auth` without it. */
  readonly hba?: readonly string[];
  /** How to come in by TCP; by the socket everybody may. Without it and `ssl` there is no TCP. */
  readonly auth?: 'trust' | 'scram';
  /** Offers TLS, with a certificate of its own for 127.0.0.1 and localhost. */
  readonly ssl?: boolean;
}

export interface Cluster {
  readonly version: PostgresVersion;
  readonly binDir: string;
  readonly socketFolder: string;
  readonly port: number;
  readonly pid: number;
  readonly dataFolder: string;
  readonly user: 'postgres';
  readonly password: string;
  /** What a client has to trust in when the server has TLS: the path of a PEM file. */
  readonly certificate: string;
  /** Variables of libpq that lead a child to this cluster, as its superuser. */
  readonly env: Readonly<Record<string, string>>;
  /** By TCP where the cluster has it, else by its socket. */
  url(database?: string, user?: string): string;
  /** The same as keywords and values, which libpq takes too. */
  dsn(database?: string, user?: string): string;
  /**
   * What psql prints, unaligned and without headers, stopped at the first error.
   * @throws with the words of the server.
   */
  sql(database: string, text: string): Promise<string>;
  /** The server's log so far lies here. */
  readonly log: string;
  stop(): Promise<void>;
  kill(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Makes a new cluster and starts it, about a second. It ends with this process whatever happens, and its folder too.
 * @throws when initdb fails or the server does not come up, with its words.
 */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const version = options.version ?? postgresVersions()[0] ?? '15';
  const binDir = programsOf(version);
  const account = await serverAccount();
  const folder = serverFolder(account);
  try {
    const port = usesTcp(options) ? await freePort() : 5432;
    await initialize(folder, binDir, account, options);
    await appendFile(join(folder, 'data/postgresql.conf'), configuration(folder, port, options));
    await writeOwned(join(folder, 'data/pg_hba.conf'), `${accessRules(options).join('\n')}\n`, account);
    if (options.ssl === true) await writeCertificate(join(folder, 'data'), account);
    const server = await startServer(folder, binDir, account);
    return describeCluster({ folder, version, binDir, port, server, tcp: usesTcp(options) });
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

const password = 'p@ss word/%:#';

async function initialize(folder: string, binDir: string, account: Account, options: ClusterOptions): Promise<void> {
  const encoding = options.encoding ?? 'UTF8';
  const locale = options.locale ?? (encoding === 'UTF8' ? 'C.UTF-8' : 'C');
  await writeOwned(join(folder, 'password'), `${password}\n`, account);
  const args = ['-D', join(folder, 'data'), '-U', 'postgres', '-E', encoding, `--locale=${locale}`];
  await execa(join(binDir, 'initdb'), [...args, '--no-sync', '-A', 'trust', `--pwfile=${join(folder, 'password')}`], {
    ...account,
    cwd: folder,
    env: { LC_ALL: 'C.UTF-8', TZ: 'UTC' },
  });
}

function usesTcp(options: ClusterOptions): boolean {
  return options.auth !== undefined || options.ssl === true;
}

function configuration(folder: string, port: number, options: ClusterOptions): string {
  return configurationLines({
    unix_socket_directories: folder,
    listen_addresses: usesTcp(options) ? '127.0.0.1' : '',
    port,
    ssl: options.ssl === true,
    fsync: false,
    synchronous_commit: false,
    full_page_writes: false,
    jit: false,
    shared_buffers: '32MB',
    // In the folder, where a killed server's memory is removed with the rest.
    dynamic_shared_memory_type: 'mmap',
    timezone: 'UTC',
    log_timezone: 'UTC',
    ...options.settings,
  });
}

/** As postgresql.conf wants them: each line ends with a line feed. */
export function configurationLines(settings: Settings): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name} = '${String(value).replaceAll("'", "''")}'\n`)
    .join('');
}

function accessRules(options: ClusterOptions): readonly string[] {
  const method = options.auth === 'trust' ? 'trust' : 'scram-sha-256';
  const local = ['local all all trust', 'local replication all trust'];
  return options.hba ?? [...local, `host all all 127.0.0.1/32 ${method}`];
}

/** A file that only the server's user reads. */
async function writeOwned(path: string, text: string, account: Account): Promise<void> {
  await writeFile(path, text, { mode: 0o600 });
  await chmod(path, 0o600);
  if (account.uid !== undefined) await chown(path, account.uid, account.gid);
}

export interface StartedCluster {
  readonly folder: string;
  readonly version: PostgresVersion;
  readonly binDir: string;
  readonly port: number;
  readonly server: Server;
  readonly tcp: boolean;
}

/** What the tests see of a server that runs. */
export function describeCluster({ folder, version, binDir, port, server, tcp }: StartedCluster): Cluster {
  const secret = tcp ? password : '';
  const env = { PGHOST: folder, PGPORT: String(port), PGUSER: 'postgres', PGDATABASE: 'postgres' };
  const host = tcp ? '127.0.0.1' : folder;
  return {
    version,
    binDir,
    socketFolder: folder,
    port,
    pid: server.pid,
    dataFolder: join(folder, 'data'),
    user: 'postgres',
    password,
    certificate: join(folder, 'data/server.crt'),
    env,
    log: join(folder, 'log'),
    url: (database = 'postgres', user = 'postgres') => {
      const credentials = [user, ...(secret === '' ? [] : [secret])].map(encodeURIComponent).join(':');
      // The host as a parameter: that is where a folder may stand, in every version of libpq.
      const place = tcp ? `${host}:${port}` : '';
      const query = tcp ? '' : `?host=${encodeURIComponent(host)}&port=${port}`;
      return `postgresql://${credentials}@${place}/${encodeURIComponent(database)}${query}`;
    },
    dsn: (database = 'postgres', user = 'postgres') =>
      Object.entries({
        host,
        port: String(port),
        user,
        dbname: database,
        ...(secret === '' ? {} : { password: secret }),
      })
        .map(([name, value]) => `${name}='${value.replace(/[\\']/g, String.raw`\$&`)}'`)
        .join(' '),
    sql: async (database, text) => {
      const { stdout } = await execa(join(binDir, 'psql'), ['-XAtq', '-v', 'ON_ERROR_STOP=1', '-f', '-'], {
        env: { ...env, PGDATABASE: database },
        input: text,
      });
      return stdout;
    },
    stop: () => server.stop(),
    kill: () => server.kill(),
    [Symbol.asyncDispose]: () => server.stop(),
  };
}
