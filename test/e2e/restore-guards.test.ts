import { copyFileSync, linkSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { runDbops } from '../support/run-dbops.ts';
import { makeDatabase, readDatabase } from '../support/small-database.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { contentOf, treeOf } from '../support/tree.ts';

describe('a protected target', () => {
  async function protectedPlace(): Promise<string> {
    const cwd = await place('targets: { app: { database: ./app.db, protected: true } }');
    symlinkSync('app.db', join(cwd, 'link.db'));
    linkSync(join(cwd, 'app.db'), join(cwd, 'hard.db'));
    symlinkSync('.', join(cwd, 'here'));
    return cwd;
  }

  test('is replaced only by its name, by whatever path it is called', async () => {
    const cwd = await protectedPlace();
    const before = readFileSync(join(cwd, 'app.db'));
    for (const into of ['app', 'app.db', './app.db', 'link.db', 'hard.db', 'here/app.db']) {
      for (const args of [['--yes'], [], ['--table', 'notes', '--overwrite', '--yes']]) {
        const refused = await runDbops(['restore', '--into', into, ...args], { cwd });
        expect([into, refused.exitCode, refused.stderr]).toEqual([into, 9, expect.stringContaining('-replace app ')]);
      }
    }
    expect(readFileSync(join(cwd, 'app.db'))).toEqual(before);
    expect((await runDbops(['restore', '--into', 'link.db', '--yes-replace', 'app'], { cwd })).exitCode).toBe(0);
  });

  test('is not replaced by the name of another one, nor is another one by its name', async () => {
    const cwd = await protectedPlace();
    mkdirSync(join(cwd, 'other'));
    makeDatabase(join(cwd, 'other', 'app.db'), { mark: 'other' });
    const before = contentOf(cwd);
    for (const args of [
      ['--yes-replace', 'other'],
      ['--into', 'other/app.db', '--yes-replace', 'app'],
      ['--table', 'notes', '--overwrite', '--yes-replace', 'other'],
    ]) {
      const refused = await runDbops(['restore', ...args], { cwd });
      expect([args, refused.exitCode]).toEqual([args, 2]);
      expect(refused.stderr).toMatch(/^error: --yes-replace \w+ is not the name of \/.*\nhint: .+/);
    }
    expect(contentOf(cwd)).toEqual(before);
  });
});

describe('the destination of a restore', () => {
  test('that is another target than the backup is of wants its name', async () => {
    const cwd = await place('targets: { app: { database: ./app.db }, billing: { database: ./billing.db } }');
    makeDatabase(join(cwd, 'billing.db'), { mark: 'billing' });
    const args = ['restore', '--target', 'app', '--into', 'billing.db'];
    const refused = await runDbops([...args, '--yes'], { cwd });
    expect(refused.stderr).toMatch(
      /error: the backup is of app, and \S+ is the target billing\nhint: .*-replace billing /,
    );
    expect(refused.exitCode).toBe(9);
    expect(readDatabase(join(cwd, 'billing.db'))).toBe('billing:20');
    expect((await runDbops([...args, '--yes-replace', 'billing'], { cwd })).exitCode).toBe(0);
    expect(readDatabase(join(cwd, 'billing.db'))).toBe('m:20');
  });

  test('that is no database is never replaced', async () => {
    const cwd = await place();
    writeFileSync(join(cwd, 'notes.txt'), 'the only copy of something');
    const refused = await runDbops(['restore', '--into', 'notes.txt', '--yes'], { cwd });
    expect(refused.stderr).toMatch(
      /error: \S+notes\.txt is not a database that dbops knows\nhint: Move that file away/,
    );
    expect(refused.exitCode).toBe(9);
    expect(readFileSync(join(cwd, 'notes.txt'), 'utf8')).toBe('the only copy of something');
  });

  test('is never inside a backup, with its list of checksums or its manifest', async () => {
    const cwd = await place();
    const manifest = treeOf(join(cwd, 'backups')).find((path) => /^app\/\d.*manifest\.json$/.test(path)) ?? '';
    const backup = join(cwd, 'backups', manifest, '..');
    mkdirSync(join(cwd, 'moved'));
    copyFileSync(join(backup, 'manifest.json'), join(cwd, 'moved', 'manifest.json'));
    const before = contentOf(cwd);
    for (const folder of [backup, join(cwd, 'moved')]) {
      for (const args of [
        ['--into', join(folder, 'app.db')],
        ['--table', 'notes', '--into', join(folder, 'app.db')],
        ['--table', 'notes', '--as-sql', join(folder, 'notes.sql')],
      ]) {
        const refused = await runDbops(['restore', ...args], { cwd });
        expect([args, refused.stderr]).toEqual([args, expect.stringContaining("is inside a backup's folder")]);
        expect(refused.exitCode).toBe(9);
      }
    }
    expect(contentOf(cwd)).toEqual(before);
  });
});

test('a check that is newer than the backup can be left out of a restore, and the refusal says how', async () => {
  const cwd = await place();
  const check = '{ name: no orphans, sql: SELECT 1 FROM not_made_yet }';
  writeFileSync(join(cwd, 'dbops.yaml'), `targets: { app: { database: ./app.db, checks: [${check}] } }`);
  const refused = await runDbops(['restore', '--yes'], { cwd });
  expect(refused.stderr).toMatch(/hint: .*--no-checks if a check is newer/);
  expect(refused.exitCode).toBe(6);
  expect((await runDbops(['restore', '--yes', '--no-checks'], { cwd })).exitCode).toBe(0);
});

describe('restore --dry-run', () => {
  test('tells the flags without which the restore would be refused', async () => {
    const cwd = await place('targets: { app: { database: ./app.db, protected: true } }');
    makeDatabase(join(cwd, 'free.db'), { mark: 'free' });
    const needs = async (...args: string[]): Promise<string | undefined> => {
      const { stdout } = await runDbops(['restore', '--dry-run', ...args], { cwd });
      return /^would be refused without (.*)$/m.exec(stdout)?.[1];
    };
    expect(await needs('--into', 'new.db')).toBeUndefined();
    expect(await needs('--into', 'free.db')).toBe('--yes');
    expect(await needs('--into', 'free.db', '--yes')).toBeUndefined();
    expect(await needs('--yes')).toBe('--yes-replace app');
    expect(await needs('--yes-replace', 'app')).toBeUndefined();
    expect(await needs('--table', 'notes')).toMatch(/^--overwrite /);
    expect(await needs('--table', 'notes', '--overwrite')).toBe('--yes-replace app');
  });

  test.each([[['--into', 'new.db']], [['--as-sql', 'new.sql']]])(
    'fails for a table that is not there: %j',
    async (args) => {
      const cwd = await place();
      const result = await runDbops(['restore', '--dry-run', '--table', 'typo', ...args], { cwd });
      expect(result.stderr).toMatch(/^error: app\/\S+ has no table "typo"\nhint: /);
      expect(result.exitCode).toBe(10);
    },
  );
});

/** A database with a backup, and a configuration if there is one. */
async function place(config?: string): Promise<string> {
  const cwd = await temporaryFolder();
  makeDatabase(join(cwd, 'app.db'), { mark: 'm' });
  if (config !== undefined) writeFileSync(join(cwd, 'dbops.yaml'), config);
  const made = await runDbops(['backup', config === undefined ? 'app.db' : 'app'], { cwd });
  expect(made.stderr).not.toContain('error');
  return cwd;
}

describe('without a configuration', () => {
  test('a backup goes back into the database that the environment names, and only when that is its own', async () => {
    const cwd = await temporaryFolder();
    makeDatabase(join(cwd, 'app.db'), { mark: 'then' });
    makeDatabase(join(cwd, 'other.db'), { mark: 'other' });
    const env = { DATABASE_URL: 'app.db' };
    expect((await runDbops(['backup'], { cwd, env })).exitCode).toBe(0);
    expect((await runDbops(['restore'], { cwd, env })).exitCode, 'nobody agreed').toBe(9);
    expect((await runDbops(['restore', '--yes'], { cwd, env: { DATABASE_URL: 'other.db' } })).exitCode).toBe(2);
    const restored = await runDbops(['restore', '--yes'], { cwd, env });
    expect(restored.exitCode, restored.stderr).toBe(0);
    expect(restored.stdout).toMatch(/^restored app\/.* into .*app\.db$/m);
  });
});
