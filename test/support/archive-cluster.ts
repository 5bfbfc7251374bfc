import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, mkdtempSync, realpathSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';

/** A server for the tests of archives, by its socket only. It ends with this process, however that ends. */
export interface ArchiveCluster extends AsyncDisposable {
  /** Runs a program of this version as the superuser; rejects when it fails. Gives what it prints. */
  run(program: string, ...args: readonly string[]): Promise<string>;
  /** Runs a script, stopped at its first error; rows come unaligned. */
  sql(database: string, text: string): Promise<string>;
}

const binDir = '/usr/lib/postgresql/15/bin';

// Whatever ends this process closes the guard's input; then it ends the server and removes its folder.
const guard = `
bin=$1 folder=$2
"$bin/initdb" -D "$folder/data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync >"$folder/log" 2>&1 &&
"$bin/pg_ctl" -D "$folder/data" -w -l "$folder/log" -o "-k $folder -c listen_addresses= -c fsync=off -c max_locks_per_transaction=200" start >/dev/null &&
echo ready || cat "$folder/log"
cat >/dev/null
"$bin/pg_ctl" -D "$folder/data" -w -m immediate stop >/dev/null 2>&1
cd / && rm -rf "$folder"
`;

/** @throws with the words of initdb or the server when it does not come up. */
export async function startArchiveCluster(): Promise<ArchiveCluster> {
  const account = await serverAccount();
  const folder = mkdtempSync(join(realpathSync(tmpdir()), 'dbops-pg-'));
  if (account.uid !== undefined) chownSync(folder, account.uid, account.gid);
  const child = spawn('sh', ['-c', guard, 'guard', binDir, folder], {
    ...account,
    cwd: folder,
    detached: true,
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { PATH: '/usr/bin:/bin', LC_ALL: 'C.UTF-8' },
  });
  const stop = async (): Promise<void> => {
    const ended = once(child, 'close');
    child.stdout.resume();
    child.stdin.end();
    await ended;
  };
  const [answer] = (await once(child.stdout, 'data')) as [Buffer];
  if (answer.toString() !== 'ready\n') {
    await stop();
    throw new Error(`PostgreSQL does not come up: ${answer.toString()}`);
  }
  const env = { PGHOST: folder, PGUSER: 'postgres', PGDATABASE: 'postgres' };
  const run = async (program: string, ...args: readonly string[]): Promise<string> =>
    (await execa(join(binDir, program), args, { env })).stdout;
  const psql = ['-XAtq', '-v', 'ON_ERROR_STOP=1', '-f', '-'];
  return {
    run,
    sql: async (database, input) =>
      (await execa(join(binDir, 'psql'), [...psql, '-d', database], { env, input })).stdout,
    [Symbol.asyncDispose]: stop,
  };
}

/** PostgreSQL refuses to run as root. */
async function serverAccount(): Promise<{ uid: number; gid: number } | { uid?: never; gid?: never }> {
  if (process.getuid?.() !== 0) return {};
  const [uid, gid] = await Promise.all(
    ['-u', '-g'].map(async (flag) => (await execa('id', [flag, 'postgres'])).stdout),
  );
  return { uid: Number(uid), gid: Number(gid) };
}
