import { execFileSync, spawnSync } from 'node:child_process';
import { chownSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import type { Query } from '../../src/engines/postgres/connection/query.ts';
import { sessionSettings } from '../../src/engines/postgres/facts/session-settings.ts';
import { openPsql } from './psql-query.ts';

export interface FactsCluster {
  /** Runs SQL as the superuser, stopped at the first error, and gives what psql prints. */
  sql(database: string, text: string): string;
  /** Runs a program of PostgreSQL as the superuser. */
  run(program: string, ...args: readonly string[]): string;
  /** Sessions on one snapshot, ready for facts. They hold locks until they are disposed. */
  open(database: string, options?: OpenOptions): Promise<Sessions>;
}

interface Sessions extends AsyncDisposable {
  readonly first: Query;
  readonly queries: readonly Query[];
}

interface OpenOptions {
  readonly user?: string;
  readonly sessions?: number;
  /** Set before the transaction, as a role's own settings are. */
  readonly settings?: readonly string[];
}

const bin = '/usr/lib/postgresql/15/bin';

/** A cluster of its own for a test file, reached by a socket, removed after the file's tests. */
export function startFactsCluster(): FactsCluster {
  const folder = mkdtempSync(join(tmpdir(), 'dbops-facts-'));
  // The server refuses to run as root.
  const account = process.getuid?.() === 0 ? accountOf('postgres') : undefined;
  if (account !== undefined) chownSync(folder, account.uid, account.gid);
  const data = join(folder, 'data');
  const base = { PATH: '/usr/bin:/bin', LC_ALL: 'C.UTF-8', PGHOST: folder, PGUSER: 'postgres' };
  const serverOptions = `-c listen_addresses='' -c unix_socket_directories='${folder}' -c fsync=off -c autovacuum=off`;
  const start = { ...account, cwd: folder, env: base, stdio: 'ignore' as const };
  execFileSync(join(bin, 'initdb'), ['-D', data, '-U', 'postgres', '-A', 'trust', '-N', '-E', 'UTF8'], start);
  execFileSync(join(bin, 'pg_ctl'), ['-D', data, '-o', serverOptions, '-l', join(folder, 'log'), '-w', 'start'], start);
  afterAll(() => {
    execFileSync(join(bin, 'pg_ctl'), ['-D', data, '-m', 'immediate', '-w', 'stop'], start);
    rmSync(folder, { recursive: true, force: true });
  });
  const run = (program: string, ...args: readonly string[]): string => {
    const found = spawnSync(join(bin, program), args, { cwd: folder, env: base, encoding: 'utf8', maxBuffer: 2 ** 28 });
    if (found.status !== 0) throw new Error(`${program}: ${found.stderr}`);
    return found.stdout;
  };
  return {
    run,
    sql: (database, text) => run('psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', '-d', database, '-c', text),
    open: (database, options = {}) => openSessions({ ...base, PGDATABASE: database }, options),
  };
}

function accountOf(name: string): { readonly uid: number; readonly gid: number } {
  const id = (flag: string): number => Number(execFileSync('id', [flag, name], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

async function openSessions(env: Record<string, string>, options: OpenOptions): Promise<Sessions> {
  const { user = 'postgres', sessions = 1, settings = [] } = options;
  const opened = Array.from({ length: sessions }, () => openPsql(join(bin, 'psql'), { ...env, PGUSER: user }));
  const queries = opened.map(({ query }) => query);
  const [first] = queries;
  if (first === undefined) throw new Error('no session');
  let snapshot = '';
  for (const query of queries) {
    for (const setting of settings) await query(setting);
    await query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    if (query === first) snapshot = (await first('SELECT pg_export_snapshot() AS id'))[0]?.['id'] ?? '';
    else await query(`SET TRANSACTION SNAPSHOT '${snapshot}'`);
    for (const setting of sessionSettings) await query(setting);
  }
  const close = async (): Promise<void> => {
    await Promise.all(opened.map((session) => session[Symbol.asyncDispose]()));
  };
  return { first, queries, [Symbol.asyncDispose]: close };
}
