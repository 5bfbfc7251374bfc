import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import type { Cluster } from '../support/postgres/cluster.ts';
import { contentsOf, loadMuseum } from '../support/postgres/museum.ts';
import { sharedCluster } from '../support/postgres/shared-cluster.ts';
import { postgresVersions } from '../support/postgres/versions.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

describe.each(postgresVersions())('the museum in PostgreSQL %s', (version) => {
  const shared = sharedCluster({ version });

  test('comes back whole from a dump, by plain tools', async () => {
    const cluster = shared();
    await loadMuseum(cluster, 'museum');
    await cluster.sql('postgres', 'CREATE DATABASE copy TEMPLATE template0');
    const file = join(await temporaryFolder(), 'museum.dump');
    await run(cluster, 'pg_dump', '-Fc', '-f', file, 'museum');
    await run(cluster, 'pg_restore', '--exit-on-error', '-d', 'copy', file);

    expect(await schemaOf(cluster, 'copy')).toBe(await schemaOf(cluster, 'museum'));
    const contents = await contentsOf(cluster, 'museum');
    expect(await contentsOf(cluster, 'copy')).toBe(contents);
    expect(contents.split('\n').length).toBeGreaterThan(200);
  });

  test('is told apart from one with a single value changed', async () => {
    await loadMuseum(shared(), 'first "one"');
    const before = await contentsOf(shared(), 'first "one"');
    await shared().sql('first "one"', 'UPDATE museum.numbers SET exact = 1.100 WHERE id = 5');
    const changed = (await contentsOf(shared(), 'first "one"')).split('\n').filter((line) => !before.includes(line));
    expect(changed).toEqual([expect.stringContaining('museum.numbers|8|')]);
  });
});

async function run(cluster: Cluster, program: string, ...args: string[]): Promise<string> {
  const { stdout } = await execa(join(cluster.binDir, program), args, { env: cluster.env });
  return stdout;
}

/** The structure as SQL, without the words against injection that differ from dump to dump. */
async function schemaOf(cluster: Cluster, database: string): Promise<string> {
  const text = await run(cluster, 'pg_dump', '--schema-only', database);
  return text.replace(/^\\(un)?restrict .*$/gm, '');
}
