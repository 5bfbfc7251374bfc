import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Readable } from 'node:stream';
import { execa } from 'execa';
import { createCodecs } from '../../../src/codecs/codecs.ts';
import type { DatabaseAddress, Engine, PartSource, TableRestoreResult } from '../../../src/core/ports/engine.ts';
import { createPostgresEngine } from '../../../src/engines/postgres/postgres-engine.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import type { Cluster } from './cluster.ts';

const stamp = '20261120T020000Z';
export const keptSchema = 'dbops_kept_20261120t020000z';
export const formats = ['custom', 'directory', 'tar', 'plain', 'plain with INSERTs'] as const;
export type Format = (typeof formats)[number];

export interface OpenedParts extends PartSource {
  /** Names of those that were opened, in that order. */
  readonly opened: readonly string[];
}

const switches: Readonly<Record<Format, readonly string[]>> = {
  custom: ['-Fc'],
  directory: ['-Fd'],
  tar: ['-Ft'],
  plain: ['-Fp'],
  'plain with INSERTs': ['-Fp', '--column-inserts'],
};

/** A dump made by pg_dump alone, as the decoded parts of a backup. */
export async function dumpParts(
  cluster: Cluster,
  database: string,
  format: Format = 'custom',
  more: readonly string[] = [],
): Promise<OpenedParts> {
  const file = join(await temporaryFolder(), 'db');
  await execa(join(cluster.binDir, 'pg_dump'), [...switches[format], ...more, '-f', file, database], {
    env: cluster.env,
  });
  const paths = format === 'directory' ? (await readdir(file)).map((name) => join(file, name)) : [file];
  const opened: string[] = [];
  return {
    opened,
    parts: paths.map((path) => ({
      name: `db/${basename(path)}`,
      decodedName: `db/${basename(path)}`,
      bytes: undefined,
    })),
    open: async (name) => {
      opened.push(basename(name));
      return createReadStream(paths.find((path) => basename(path) === basename(name)) ?? '');
    },
  };
}

/** SQL that somebody wrote by hand. */
export function textParts(text: string): PartSource {
  return {
    parts: [{ name: 'hand.sql', decodedName: 'hand.sql', bytes: undefined }],
    open: async () => Readable.from([Buffer.from(text)], { objectMode: false }),
  };
}

export function engineOn(cluster: Cluster, path = `${cluster.binDir}:/usr/bin:/bin`): Engine {
  const environment = { PATH: path };
  return createPostgresEngine({ environment, temporaryFolder: '/tmp', codecs: createCodecs(environment.PATH) });
}

function addressIn(cluster: Cluster, database: string, lockTimeoutMs = 5_000): DatabaseAddress {
  return { location: cluster.url(database), lockTimeoutMs };
}

export interface BringOptions {
  readonly overwrite?: boolean;
  readonly lockTimeoutMs?: number;
  readonly signal?: AbortSignal;
}

export async function bringTables(
  cluster: Cluster,
  parts: PartSource,
  database: string,
  tables: readonly string[],
  { overwrite = false, lockTimeoutMs, signal = new AbortController().signal }: BringOptions = {},
): Promise<TableRestoreResult> {
  return engineOn(cluster).restoreTables(parts, addressIn(cluster, database, lockTimeoutMs), {
    tables,
    overwrite,
    stamp,
    scratch: await temporaryFolder(),
    signal,
  });
}

let made = 0;

/** An empty database with these statements in it; gives its name. */
export async function makeDatabase(cluster: Cluster, sql = ''): Promise<string> {
  const name = `db${++made}`;
  await cluster.sql('postgres', `CREATE DATABASE ${name} TEMPLATE template0`);
  await cluster.sql(name, sql);
  return name;
}

/** Everything that pg_dump says of a database, without what differs from dump to dump. */
export async function stateOf(cluster: Cluster, database: string, more: readonly string[] = []): Promise<string> {
  const { stdout } = await execa(join(cluster.binDir, 'pg_dump'), [...more, database], { env: cluster.env });
  return stdout.replaceAll(/^\\(un)?restrict .*$/gm, '');
}
