import { existsSync } from 'node:fs';
import { buildReleaseTree, releaseTree } from './release-tree.ts';
import type { PostgresVersion } from './versions.ts';

/**
 * The folder with `postgres`, `initdb`, `pg_dump` and the others of a major version: the distribution's own, else one
 * that is made from a newer release of Debian (ten seconds, kept for the next run).
 * @throws when the version cannot be had.
 */
export function programsOf(version: PostgresVersion): string {
  const installed = `/usr/lib/postgresql/${version}/bin`;
  if (existsSync(`${installed}/initdb`)) return installed;
  const tree = releaseTree(version);
  if (!existsSync(tree.binDir)) buildReleaseTree(version, tree);
  return tree.binDir;
}
