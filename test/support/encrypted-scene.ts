import { readdirSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { ageKey, type AgeKey } from './age-keys.ts';
import { runDbops, type RunResult } from './run-dbops.ts';
import { makeDatabase } from './small-database.ts';
import { temporaryFolder } from './temporary-folder.ts';

export interface Scene {
  readonly cwd: string;
  readonly key: AgeKey;
  readonly run: (args: readonly string[], env?: Readonly<Record<string, string>>) => Promise<RunResult>;
  /** The only backup's folder. */
  readonly folder: () => string;
}

/** A database, a key, and a configuration that encrypts for it. */
export async function openScene(encryption: Readonly<Record<string, unknown>> = {}): Promise<Scene> {
  const cwd = await temporaryFolder();
  const key = await ageKey();
  makeDatabase(join(cwd, 'app.db'), { mark: 'canary-mark', rows: 200, filling: 2_000 });
  await mkdir(join(cwd, 'tmp'));
  const config = {
    encryption: { recipients: [key.recipient], ...encryption },
    targets: { app: { database: 'app.db' } },
  };
  writeFileSync(join(cwd, 'dbops.yaml'), JSON.stringify(config));
  return {
    cwd,
    key,
    run: (args, env = {}) => runDbops(args, { cwd, env: { TMPDIR: join(cwd, 'tmp'), ...env } }),
    folder: () => {
      const id = readdirSync(join(cwd, 'backups', 'app')).find((name) => /^\d{8}T/.test(name)) ?? '';
      return join(cwd, 'backups', 'app', id);
    },
  };
}

/** Makes a backup that has to succeed. */
export async function backedUp(scene: Scene, ...args: string[]): Promise<RunResult> {
  const made = await scene.run(['backup', ...args]);
  expect(made.exitCode, made.stderr).toBe(0);
  return made;
}
