import { once } from 'node:events';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, vi } from 'vitest';
import type { Cluster } from './cluster.ts';

export interface HeldLock extends AsyncDisposable {
  /** Resolves once a session of dbops or of its programs waits for a lock with a statement like this. */
  untilWaited(pattern: string): Promise<void>;
}

/** A session in whose open transaction the statements were run; disposing ends it. */
export async function holdLock(cluster: Cluster, database: string, statements: string): Promise<HeldLock> {
  const env = { ...cluster.env, PGDATABASE: database, PGAPPNAME: 'migration' };
  const holder = execa(join(cluster.binDir, 'psql'), ['-X', '-q'], { env, reject: false });
  holder.stdin.write(`BEGIN;\n${statements};\n\\echo held\n`);
  await once(holder.stdout, 'data');
  return {
    untilWaited: (pattern) =>
      vi.waitFor(
        async () => {
          const waiting = `SELECT count(*) > 0 FROM pg_stat_activity WHERE application_name = 'dbops'
            AND wait_event_type = 'Lock' AND query LIKE '${pattern}'`;
          expect(await cluster.sql('postgres', waiting)).toBe('t');
        },
        { timeout: 20_000, interval: 100 },
      ),
    [Symbol.asyncDispose]: async () => {
      holder.stdin.end();
      await holder;
    },
  };
}
