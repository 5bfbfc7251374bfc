import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import type { DumpOptions } from '../../src/core/dump-options.ts';
import type { Cluster } from '../support/postgres/cluster.ts';
import { contentsOf, loadMuseum } from '../support/postgres/museum.ts';
import { openDepot } from '../support/postgres/round-trip.ts';
import { sharedCluster } from '../support/postgres/shared-cluster.ts';
import { postgresVersions } from '../support/postgres/versions.ts';

type Format = NonNullable<DumpOptions['format']>;
type Codec = 'zstd' | 'gzip' | 'none';

const ways: readonly [Format, Codec][] = [
  ['custom', 'zstd'],
  ['plain', 'gzip'],
  ['directory', 'zstd'],
  ['directory', 'none'],
];

const versions = postgresVersions();

describe.each(versions)('G16: the museum in PostgreSQL %s', (version) => {
  const shared = sharedCluster({ version });

  test.each(ways)('comes back from a backup in format %s with codec %s', async (format, codec) => {
    const cluster = shared();
    const source = `museum-${format}-${codec}`;
    await loadMuseum(cluster, source);
    const depot = await openDepot();
    const options = { format, ...(format === 'directory' ? { jobs: 2 } : {}) };
    const manifest = await depot.backUp(cluster, source, { options, codec });
    const settings = expect.stringContaining('ALTER DATABASE') as string;
    expect(manifest.warnings).toEqual(format === 'plain' ? [settings] : []);
    const { problems, warnings } = await depot.verify(manifest, cluster.binDir);
    expect(problems).toEqual([]);
    expect(warnings).toEqual([expect.stringMatching(/^roles that the test server does not have were stood in for: /)]);

    const copy = `${source}-copy`;
    const { warnings: told } = await depot.restore(manifest, cluster, copy, { owner: true, acl: true });
    expect(told).toEqual(format === 'plain' ? [] : [settings]);
    if (format !== 'plain') expect(told[0]).toMatch(/SET statement_timeout TO '10min'.*SET work_mem TO '5MB'/);
    expect(await contentsOf(cluster, copy)).toBe(await contentsOf(cluster, source));
    expect(await schemaOf(cluster, copy)).toBe(await schemaOf(cluster, source));
  });
});

const upgrades = versions.flatMap((from, at) => versions.slice(at + 1).map((to) => [from, to] as const));

// Restoring into a newer version needs more than one of them.
describe.each(upgrades)('the museum of PostgreSQL %s', (from, to) => {
  const [older, newer] = [sharedCluster({ version: from }), sharedCluster({ version: to })];

  test(`is proven and restored by PostgreSQL ${to}`, async () => {
    await loadMuseum(older(), 'museum');
    const depot = await openDepot();
    const manifest = await depot.backUp(older(), 'museum');
    expect((await depot.verify(manifest, newer().binDir)).problems).toEqual([]);
    await newer().sql('postgres', roles);
    await depot.restore(manifest, newer(), 'copy', { owner: true, acl: true });
    expect(await contentsOf(newer(), 'copy')).toBe(await contentsOf(older(), 'museum'));
    expect(outlineOf(await schemaOf(newer(), 'copy'))).toEqual(
      outlineOf(await schemaOf(older(), 'museum', newer().binDir)),
    );
  });

  test(`is dumped by the programs of PostgreSQL ${to} into files that they open themselves`, async () => {
    await loadMuseum(older(), 'again');
    const depot = await openDepot();
    const manifest = await depot.backUp(older(), 'again', { client: newer().binDir });
    expect(manifest.parts).toMatchObject([{ name: 'db.dump', codecs: [] }]);
    const file = join(depot.folder, manifest.target, manifest.id, 'db.dump');
    const { stdout } = await execa(join(newer().binDir, 'pg_restore'), ['--list', file]);
    expect(stdout).toContain('Compression: zstd');
    expect((await depot.verify(manifest, newer().binDir)).problems).toEqual([]);
    await expect(depot.restore(manifest, older(), 'copy')).rejects.toMatchObject({ code: 'REFUSED' });
  });
});

const roles = 'CREATE ROLE museum_owner; CREATE ROLE museum_reader; CREATE ROLE "museum ""guest"" =1";';

/** The structure as plain tools see it. */
async function schemaOf(cluster: Cluster, database: string, binDir = cluster.binDir): Promise<string> {
  const { stdout } = await execa(join(binDir, 'pg_dump'), ['--schema-only', database], { env: cluster.env });
  return stdout.replace(/^(\\(un)?restrict|-- Dumped from) .*$/gm, '');
}

/**
 * Each object with its definition. Queries are the server's own prints of them, which another version makes in another way,
 * PostgreSQL 17 brought a right that is part of "all", and 18 gives every NOT NULL a name.
 */
function outlineOf(schema: string): string[] {
  const objects = schema
    .replace(/CONSTRAINT ("(?:[^"]|"")*"|\S+) NOT NULL/g, 'NOT NULL')
    .split('\n--\n-- Name: ')
    .slice(1);
  const printed = /; Type: (VIEW|MATERIALIZED VIEW|RULE|ACL|DEFAULT ACL);/;
  return objects.map((text) => (printed.test(text) ? (text.split('\n')[0] ?? '') : text));
}
