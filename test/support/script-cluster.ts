import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const programs = '/usr/lib/postgresql/15/bin';

export interface ScriptCluster {
  /** Runs SQL with psql and gives the rows, unaligned; fails with the server's words. */
  sql(database: string, sql: string): string;
  /** The output of pg_dump, or another program of the version. */
  run(program: string, args: readonly string[], input?: string | Buffer): Buffer;
  /** The output of psql reading from its standard input, whatever its status. */
  psql(
    database: string,
    args: readonly string[],
    input: string | Buffer,
  ): { readonly stdout: string; readonly status: number | null };
  stop(): Promise<void>;
}

/** A new PostgreSQL 15 that listens in its own folder only. */
export async function startScriptCluster(): Promise<ScriptCluster> {
  const folder = mkdtempSync(join(tmpdir(), 'dbops-pg-'));
  const owner = process.getuid?.() === 0 ? idsOf('postgres') : undefined;
  if (owner !== undefined) chownSync(folder, owner.uid, owner.gid);
  const data = join(folder, 'data');
  const options = { ...owner, cwd: folder, env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' } };
  execFileSync(join(programs, 'initdb'), ['-D', data, '-U', 'postgres', '-A', 'trust', '-N', '-E', 'UTF8'], options);
  // Errors of statements stay out of the log: nobody empties its pipe while a program is waited for.
  const quiet = ['log_min_messages=log', 'log_min_error_statement=panic'];
  const settings = [
    'listen_addresses=',
    `unix_socket_directories=${folder}`,
    'fsync=off',
    'wal_level=logical',
    ...quiet,
  ];
  const server = spawn(join(programs, 'postgres'), ['-D', data, ...settings.flatMap((text) => ['-c', text])], {
    ...options,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = new Promise<void>((resolve) => server.once('exit', () => resolve()));
  await isReady(server.stderr);
  const env = { ...options.env, PGHOST: folder, PGUSER: 'postgres', PGCLIENTENCODING: 'UTF8' };
  const run = (program: string, args: readonly string[], input: string | Buffer = ''): Buffer =>
    execFileSync(join(programs, program), args, { ...options, env, input, maxBuffer: 1 << 28, stdio: 'pipe' });
  return {
    run,
    sql: (database, sql) => run('psql', ['-XqAt', '-v', 'ON_ERROR_STOP=1', '-d', database, '-f', '-'], sql).toString(),
    psql(database, args, input) {
      const file = join(programs, 'psql');
      const settings = { ...options, env: { ...env, PSQL_EDITOR: 'true' }, input, timeout: 20_000 };
      const { stdout, status } = spawnSync(file, ['-Xq', '-d', database, ...args], settings);
      return { stdout: stdout.toString('latin1'), status };
    },
    async stop() {
      server.kill('SIGINT');
      await ended;
      if (existsSync(folder)) rmSync(folder, { recursive: true, force: true });
    },
  };
}

function idsOf(user: string): { readonly uid: number; readonly gid: number } {
  const id = (flag: string): number => Number(execFileSync('id', [flag, user]).toString());
  return { uid: id('-u'), gid: id('-g') };
}

async function isReady(log: AsyncIterable<Buffer> & NodeJS.ReadableStream): Promise<void> {
  let text = '';
  await new Promise<void>((resolve, reject) => {
    log.on('data', (piece: Buffer) => {
      text += piece.toString();
      if (text.includes('database system is ready to accept connections')) resolve();
    });
    log.on('end', () => reject(new Error(text)));
  });
}
