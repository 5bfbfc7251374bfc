import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import type { DumpOptions } from '../../src/core/dump-options.ts';
import { contentsOf, loadMuseum } from '../support/postgres/museum.ts';
import { openDepot } from '../support/postgres/round-trip.ts';
import { sharedCluster } from '../support/postgres/shared-cluster.ts';
import { postgresVersions } from '../support/postgres/versions.ts';

const run = promisify(execFile);

/** What a person types in the folder of a backup; `copy` is an empty database. */
const commands: readonly [DumpOptions, 'zstd' | 'gzip' | 'none', string][] = [
  [{}, 'zstd', 'zstd -dc db.dump.zst | pg_restore --exit-on-error -d copy'],
  [{}, 'none', 'pg_restore --exit-on-error -d copy db.dump'],
  [{ format: 'plain' }, 'zstd', 'zstd -dc db.sql.zst | psql -X -q -v ON_ERROR_STOP=1 -o /dev/null -d copy'],
  [{ format: 'plain' }, 'gzip', 'gzip -dc db.sql.gz | psql -X -q -v ON_ERROR_STOP=1 -o /dev/null -d copy'],
  [{ format: 'directory', jobs: 2 }, 'zstd', 'zstd -q -d --rm db/*.zst && pg_restore --exit-on-error -Fd -d copy db'],
  [{ format: 'directory' }, 'gzip', 'pg_restore --exit-on-error -Fd -d copy db'],
];

// From 16 on pg_dump compresses with zstd itself, and pg_restore opens that.
const newer: typeof commands = [
  [{}, 'zstd', 'pg_restore --exit-on-error -d copy db.dump'],
  [{ format: 'directory', jobs: 2 }, 'zstd', 'pg_restore --exit-on-error -Fd -d copy db'],
];

describe.each(postgresVersions())('no lock-in: a backup of PostgreSQL %s', (version) => {
  const shared = sharedCluster({ version });

  test.each(Number(version) < 16 ? commands : newer)(
    '%j with %s is restored by: %s',
    async (options, codec, command) => {
      const cluster = shared();
      const names = (await cluster.sql('postgres', 'SELECT datname FROM pg_database')).split('\n');
      if (!names.includes('museum')) await loadMuseum(cluster, 'museum');
      await cluster.sql('postgres', 'DROP DATABASE IF EXISTS copy; ');
      await cluster.sql('postgres', 'CREATE DATABASE copy TEMPLATE template0');
      const depot = await openDepot();
      const manifest = await depot.backUp(cluster, 'museum', { options, codec });
      const cwd = join(depot.folder, manifest.target, manifest.id);
      const env = { ...cluster.env, PATH: `${cluster.binDir}:/usr/bin:/bin` };
      const { stdout } = await run('sha256sum', ['-c', 'SHA256SUMS'], { cwd, maxBuffer: 1 << 24 });
      expect(stdout.trim().split('\n')).toHaveLength(manifest.parts.length + 1);
      await run('bash', ['-e', '-o', 'pipefail', '-c', command], { cwd, env });
      expect(await contentsOf(cluster, 'copy')).toBe(await contentsOf(cluster, 'museum'));
    },
  );
});
