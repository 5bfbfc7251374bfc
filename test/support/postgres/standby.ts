import { appendFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { type Cluster, configurationLines, describeCluster, type Settings } from './cluster.ts';
import { serverAccount, serverFolder, startServer } from './server.ts';

export interface StandbyOptions {
  /** Lines of postgresql.conf beyond the primary's. */
  readonly settings?: Settings;
}

/**
 * A hot standby that streams from a cluster, reached by its own socket only.
 * @throws when the copy fails or the standby does not come up.
 */
export async function startStandby(primary: Cluster, { settings = {} }: StandbyOptions = {}): Promise<Cluster> {
  const account = await serverAccount();
  const folder = serverFolder(account);
  try {
    const copy = ['-D', join(folder, 'data'), '-R', '-X', 'stream', '-c', 'fast', '--no-sync'];
    await execa(join(primary.binDir, 'pg_basebackup'), copy, { ...account, cwd: folder, env: primary.env });
    // Of two lines about a setting the last counts.
    const own = { unix_socket_directories: folder, listen_addresses: '', port: 5432, ...settings };
    await appendFile(join(folder, 'data/postgresql.conf'), configurationLines(own));
    const server = await startServer(folder, primary.binDir, account);
    const { version, binDir } = primary;
    return describeCluster({ folder, version, binDir, port: 5432, server, tcp: false });
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}
