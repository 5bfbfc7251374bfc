import { randomBytes } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import type { Cluster } from './postgres/cluster.ts';
import { binary, runDbops, type RunResult } from './run-dbops.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** A database of its own with a folder of migrations, and dbops beside it. */
export interface MigrateScene {
  readonly engine: 'sqlite' | 'postgres';
  readonly cwd: string;
  /** How the command line names the database. */
  readonly address: string;
  readonly env: Readonly<Record<string, string>>;
  /** What the database's own program prints: values separated by `|`. */
  sql(text: string): Promise<string>;
  /** Writes migrations by their file names. */
  write(files: Readonly<Record<string, string | Buffer>>): Promise<void>;
  remove(file: string): Promise<void>;
  /** `dbops migrate <words> <address>`. */
  migrate(...words: readonly string[]): Promise<RunResult>;
  dbops(...words: readonly string[]): Promise<RunResult>;
  /** The same, running. */
  start(...words: readonly string[]): ReturnType<typeof spawnDbops>;
  /** The same by another address. */
  startAt(at: string, ...words: readonly string[]): ReturnType<typeof spawnDbops>;
}

/** A scene on each engine, for `describe.each`. */
export function migrateScenes(cluster: () => Cluster): readonly [string, () => Promise<MigrateScene>][] {
  return [
    ['sqlite', () => sqliteScene()],
    ['postgres', () => postgresScene(cluster())],
  ];
}

export async function sqliteScene(folder?: string): Promise<MigrateScene> {
  const cwd = folder ?? (await temporaryFolder());
  const file = join(cwd, 'app.db');
  await execa('sqlite3', [file, 'PRAGMA user_version = 1']);
  const sql = async (text: string): Promise<string> => (await execa('sqlite3', [file, text])).stdout;
  return sceneOf({ engine: 'sqlite', cwd, address: 'app.db', env: {}, sql });
}

export async function postgresScene(cluster: Cluster): Promise<MigrateScene> {
  const cwd = await temporaryFolder();
  const name = `m${randomBytes(6).toString('hex')}`;
  await cluster.sql('postgres', `CREATE DATABASE ${name}`);
  const env = { PATH: `${cluster.binDir}:/usr/local/bin:/usr/bin:/bin` };
  return sceneOf({ engine: 'postgres', cwd, address: cluster.url(name), env, sql: (text) => cluster.sql(name, text) });
}

function sceneOf(base: Pick<MigrateScene, 'engine' | 'cwd' | 'address' | 'env' | 'sql'>): MigrateScene {
  const { cwd, address, env } = base;
  const folder = join(cwd, 'migrations');
  const dbops = (...words: readonly string[]): Promise<RunResult> => runDbops(words, { cwd, env });
  return {
    ...base,
    write: async (files) => {
      await mkdir(folder, { recursive: true });
      for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
    },
    remove: (file) => rm(join(folder, file)),
    dbops,
    migrate: (verb = '', ...words) => dbops('migrate', verb, address, ...words),
    startAt: (at, verb = '', ...words) => spawnDbops(base, ['migrate', verb, at, ...words]),
    start: (verb = '', ...words) => spawnDbops(base, ['migrate', verb, address, ...words]),
  };
}

function spawnDbops({ cwd, env }: Pick<MigrateScene, 'cwd' | 'env'>, args: readonly string[]) {
  return execa(process.execPath, [binary, ...args], {
    cwd,
    extendEnv: false,
    env: { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: cwd, ...env },
    reject: false,
    stdin: 'ignore',
  });
}

/** Three small migrations with their rollbacks. */
export const smallMigrations: Readonly<Record<string, string>> = {
  '20260101000001_users.sql': 'CREATE TABLE users (id integer PRIMARY KEY, name text);\n',
  '20260101000001_users_rollback.sql': 'DROP TABLE users;\n',
  '20260101000002_people.sql': "INSERT INTO users VALUES (1, 'a; -- b');\nINSERT INTO users VALUES (2, 'c');\n",
  '20260101000002_people_rollback.sql': 'DELETE FROM users;\n',
  '20260101000003_orders.sql': 'CREATE TABLE orders (id integer PRIMARY KEY, owner integer REFERENCES users (id));\n',
};
