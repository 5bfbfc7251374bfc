import { spawn, type ChildProcess } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, vi } from 'vitest';
import { processesIn } from '../processes.ts';
import { binary, type RunResult, runDbops } from '../run-dbops.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { contentOf, litterIn } from '../tree.ts';
import type { Cluster } from './cluster.ts';

type Variables = Readonly<Record<string, string>>;

/** A working directory as a user has it: a configuration, a storage, a folder for temporary files; gone with the test. */
export interface Place {
  readonly cwd: string;
  /** `./backups` */
  readonly storage: string;
  /** Temporary files of everything that runs here. */
  readonly temporary: string;
  /** Writes dbops.yaml with one target, `shop`. */
  configure(target: Readonly<Record<string, unknown>>, rest?: Readonly<Record<string, unknown>>): void;
  run(args: readonly string[], env?: Variables): Promise<RunResult>;
  /** Starts without waiting. */
  start(args: readonly string[], env?: Variables): ChildProcess;
}

/** @param earlier a storage to begin with, which is copied */
export async function openPlace(earlier?: string): Promise<Place> {
  const cwd = await temporaryFolder();
  // Throw-away servers run as another user, who has to pass through.
  chmodSync(cwd, 0o755);
  const [storage, temporary] = [join(cwd, 'backups'), join(cwd, 'tmp')];
  mkdirSync(temporary);
  if (earlier !== undefined) cpSync(earlier, storage, { recursive: true, verbatimSymlinks: true });
  return {
    cwd,
    storage,
    temporary,
    configure: (target, rest = {}) =>
      writeFileSync(join(cwd, 'dbops.yaml'), JSON.stringify({ targets: { shop: target }, ...rest })),
    run: (args, env = {}) => runDbops(args, { cwd, env: { TMPDIR: temporary, ...env } }),
    start: (args, env = {}) =>
      spawn(process.execPath, [binary, ...args], {
        cwd,
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: cwd, TMPDIR: temporary, ...env },
      }),
  };
}

/** One good backup of a database of the cluster, as the storage of a target `shop`: for `openPlace`, within tests. */
export function earlierBackup(cluster: () => Cluster, database: string): () => string {
  const folder = mkdtempSync(join(realpathSync(tmpdir()), 'dbops-earlier-'));
  beforeAll(async () => {
    const config = { targets: { shop: { database: cluster().url(database) } } };
    writeFileSync(join(folder, 'dbops.yaml'), JSON.stringify(config));
    const { exitCode, stderr } = await runDbops(['backup', '--storage', 'storage'], { cwd: folder });
    if (exitCode !== 0) throw new Error(stderr);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return () => join(folder, 'storage');
}

export interface Refusal {
  readonly exitCode: number;
  readonly message: RegExp;
  readonly hint: RegExp;
}

/** A failure in dbops' own words, as people meet it: one error, one hint, no stack, nothing on stdout. */
export function expectRefusal({ exitCode, stdout, stderr }: RunResult, expected: Refusal): void {
  expect(stderr).not.toMatch(/internal error|^\s+at /m);
  expect(/^error: (.*)$/m.exec(stderr)?.[1], stderr).toMatch(expected.message);
  expect(/^hint: (.*)$/m.exec(stderr)?.[1], stderr).toMatch(expected.hint);
  expect({ exitCode, stdout }).toEqual({ exitCode: expected.exitCode, stdout: '' });
}

/** What a storage holds, to the last byte. */
export function storedIn({ storage }: Place): string[] {
  return existsSync(storage) ? contentOf(storage) : [];
}

/** No process, no file outside the storage, no half of a backup, no lock, no connection and no side database. */
export async function expectNothingLeft(place: Place, cluster?: Cluster): Promise<void> {
  expect(processesIn(place.cwd)).toEqual([]);
  expect(litterIn(place.cwd)).toEqual([]);
  expect(readdirSync(place.temporary)).toEqual([]);
  if (cluster === undefined) return;
  expect(await sideDatabases(cluster)).toBe('');
  await vi.waitFor(async () => expect(await connectionsOf(cluster)).toBe(''), { timeout: 10_000 });
}

export function sideDatabases(cluster: Cluster): Promise<string> {
  return cluster.sql('postgres', "SELECT datname FROM pg_database WHERE datname ~ '_dbops_'");
}

function connectionsOf(cluster: Cluster): Promise<string> {
  return cluster.sql('postgres', "SELECT query FROM pg_stat_activity WHERE application_name = 'dbops'");
}

/** Every backup of a place is sound to the last byte and in its structure. */
export async function expectSound(place: Place, backups = 1): Promise<void> {
  const { exitCode, stdout, stderr } = await place.run(['verify', '--all', '--level', 'structure', '--json']);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  expect((JSON.parse(stdout) as { results: unknown[] }).results).toHaveLength(backups);
}
