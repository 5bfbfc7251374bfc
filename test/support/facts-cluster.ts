import { execFileSync, spawnSync } from 'node:child_process';
import { chownSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, onTestFinished } from 'vitest';
import type { Query } from '../../src/engines/postgres/connection/query.ts';
import { sessionSettings } from '../../src/engines/postgres/facts/session-settings.ts';
import { openPsql } from './psql-query.ts';

export interface FactsCluster {
  /** Runs SQL as the superuser, stopped at the first error, and gives what psql prints. */
  sql(database: string, text: string): string;
  /** Runs a program of PostgreSQL as the superuser. */
  run(program: string, ...args: readonly string[]): string;
  /** Sessions on one snapshot, ready for facts; they end with the test. */
  open(database: string, options?: OpenOptions): Promise<readonly Query[]>;
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

async function openSessions(env: Record<string, string>, options: OpenOptions): Promise<readonly Query[]> {
  const { user = 'postgres', sessions = 1, settings = [] } = options;
  const queries: Query[] = [];
  for (let index = 0; index < sessions; index += 1) {
    const session = openPsql(join(bin, 'psql'), { ...env, PGUSER: user });
    onTestFinished(() => session[Symbol.asyncDispose]());
    for (const setting of settings) await session.query(setting);
    await session.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    queries.push(session.query);
  }
  const [first, ...others] = queries;
  const snapshot = (await first?.('SELECT pg_export_snapshot() AS id'))?.[0]?.['id'] ?? '';
  for (const query of others) await query(`SET TRANSACTION SNAPSHOT '${snapshot}'`);
  for (const query of queries) for (const setting of sessionSettings) await query(setting);
  return queries;
}
