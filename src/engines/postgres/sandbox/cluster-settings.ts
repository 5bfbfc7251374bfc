import { DbopsError } from '../../../core/errors.ts';

/** The superuser of every sandbox. */
export const SANDBOX_USER = 'postgres';

/** Part of the socket's name; nothing listens on TCP. */
export const SANDBOX_PORT = '5432';

// A crash loses a throw-away cluster anyway, so it is made to be fast: PostgreSQL manual, "Populating a Database" and
// "Non-Durable Settings".
const defaults: Readonly<Record<string, string>> = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  wal_level: 'minimal',
  max_wal_senders: '0',
  max_replication_slots: '0',
  archive_mode: 'off',
  autovacuum: 'off',
  max_wal_size: '2GB',
  checkpoint_timeout: '30min',
  shared_buffers: '128MB',
  maintenance_work_mem: '256MB',
  max_connections: '40',
  // 80,000 locks: ten thousand tables with their indexes, TOAST tables and sequences in one transaction.
  max_locks_per_transaction: '2048',
  // Not /dev/shm, which is 64 MB in a container, and keeps what a killed server left.
  dynamic_shared_memory_type: 'mmap',
  jit: 'off',
};

// Never changed by a caller: what keeps the cluster private, and its log where the guard reads it.
const fixed: Readonly<Record<string, string>> = {
  listen_addresses: '',
  port: SANDBOX_PORT,
  unix_socket_permissions: '0700',
  logging_collector: 'off',
  log_destination: 'stderr',
  lc_messages: 'C',
  log_min_messages: 'warning',
  // Statements hold the data that is restored.
  log_statement: 'none',
  log_min_error_statement: 'panic',
};

/** Arguments of `postgres`. They outrank what a restored dump sets with ALTER SYSTEM. */
export function serverArguments(
  dataFolder: string,
  socketFolder: string,
  settings: Readonly<Record<string, string>>,
): string[] {
  for (const [name, value] of Object.entries(settings)) refuseOddSetting(name, value);
  // A list of names: in quotes, so that blanks and commas stay part of the path.
  const sockets = { unix_socket_directories: `"${socketFolder.replaceAll('"', '""')}"` };
  const all = { ...defaults, ...settings, ...fixed, ...sockets };
  return ['-D', dataFolder, ...Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`])];
}

/** Arguments of `initdb`. Whoever reaches the socket, which is private, is trusted. */
export function initdbArguments(dataFolder: string, encoding: string, locale: string): string[] {
  return [
    `--pgdata=${dataFolder}`,
    `--username=${SANDBOX_USER}`,
    `--encoding=${encoding}`,
    `--locale=${locale}`,
    '--lc-messages=C',
    '--auth-local=trust',
    '--auth-host=reject',
    '--no-sync',
  ];
}

function refuseOddSetting(name: string, value: string): void {
  if (/^[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)?$/i.test(name) && !/[\0\n\r]/.test(value)) return;
  throw new DbopsError('USAGE', `${JSON.stringify(name)} is no setting of a server`, {
    hint: 'Settings of a throw-away cluster are those of postgresql.conf, each on one line.',
  });
}
