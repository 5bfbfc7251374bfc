import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { programsOf } from './postgres/programs.ts';
import { postgresVersions } from './postgres/versions.ts';
import { offerStore } from './s3/on-demand.ts';

/**
 * The plain tools with which docs/format.md restores without dbops, which tests run as they stand there, and what the
 * servers of the tests need.
 */
const tools: Readonly<Record<string, string>> = {
  sqlite3: 'sqlite3',
  zstd: 'zstd',
  gzip: 'gzip',
  age: 'age',
  sha256sum: 'coreutils',
  bash: 'bash',
  zsh: 'zsh',
  fish: 'fish',
  openssl: 'openssl',
  flock: 'util-linux',
  pg_lsclusters: 'postgresql-common',
  '/usr/sbin/pgbouncer': 'pgbouncer',
  monmaptool: 'ceph-base',
  ceph: 'ceph-common',
  'ceph-mon': 'ceph-mon',
  'ceph-osd': 'ceph-osd',
  radosgw: 'radosgw',
  '/usr/lib/postgresql/15/bin/initdb': 'postgresql-15',
  '/usr/lib/postgresql/15/bin/pg_dump': 'postgresql-client-15',
};

/**
 * Installs what is missing, as root on Debian; a tool that cannot be had fails the tests and skips none. Gives what ends
 * the servers that all tests share.
 */
export default function installTools(): (() => Promise<void>) | undefined {
  const missing = Object.keys(tools).filter((tool) => !isInstalled(tool));
  if (missing.length > 0) install(missing);
  for (const version of postgresVersions()) programsOf(version);
  return offerStore();
}

function install(missing: readonly string[]): void {
  const packages = missing.map((tool) => tools[tool] ?? tool);
  if (process.getuid?.() !== 0) {
    throw new Error(
      `these tests need ${missing.join(', ')}: install them with: sudo apt-get install ${packages.join(' ')}`,
    );
  }
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const apt = (...args: string[]): void => {
    execFileSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...args], { env, stdio: 'ignore' });
  };
  execFileSync('apt-get', ['update', '-qq'], { env, stdio: 'inherit' });
  const [servers, others] = [packages.filter(isServer), packages.filter((name) => !isServer(name))];
  if (others.length > 0) withoutStarts(() => apt(...others));
  if (servers.length > 0) withoutMainCluster(() => apt(...servers));
}

function isServer(name: string): boolean {
  return /^postgresql-\d+$/.test(name);
}

const startPolicy = '/usr/sbin/policy-rc.d';

/** Debian's packages start what they install, unless this program says that it is forbidden. */
function withoutStarts(act: () => void): void {
  if (existsSync(startPolicy)) return act();
  writeFileSync(startPolicy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    return act();
  } finally {
    rmSync(startPolicy);
  }
}

const clusterSettings = '/etc/postgresql-common/createcluster.conf';

/** Debian's server packages make a cluster and start it when they are installed; nobody asked for that one here. */
function withoutMainCluster(act: () => void): void {
  const settings = existsSync(clusterSettings) ? readFileSync(clusterSettings, 'utf8') : '';
  writeFileSync(clusterSettings, `${settings}\ncreate_main_cluster = false\n`);
  try {
    act();
  } finally {
    writeFileSync(clusterSettings, settings);
  }
}

function isInstalled(tool: string): boolean {
  try {
    execFileSync('sh', ['-c', 'command -v "$1"', 'sh', tool], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
