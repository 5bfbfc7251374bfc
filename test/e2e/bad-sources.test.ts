import { spawn } from 'node:child_process';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, onTestFinished, test } from 'vitest';
import { binary, runDbops } from '../support/run-dbops.ts';
import { makeDatabase, readDatabase } from '../support/small-database.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { contentOf, treeOf } from '../support/tree.ts';

interface BadSource {
  readonly title: string;
  readonly make: (path: string) => void;
  readonly exitCode: number;
  readonly says: RegExp;
}

const badSources: readonly BadSource[] = [
  { title: 'I10: a missing file', make: () => undefined, exitCode: 3, says: /does not exist/ },
  { title: 'B6: a folder', make: (path) => mkdirSync(path), exitCode: 3, says: /is a folder/ },
  { title: 'I9: an empty file', make: (path) => writeFileSync(path, ''), exitCode: 3, says: /is empty \(0 bytes\)/ },
  {
    title: 'I8: a text file',
    make: (path) => writeFileSync(path, 'CREATE TABLE nothing;\n'.repeat(500)),
    exitCode: 3,
    says: /not an SQLite database/,
  },
  {
    title: 'I8: an encrypted database',
    make: (path) => writeFileSync(path, Buffer.from(Array.from({ length: 8192 }, (_, n) => (n * 167 + 13) % 251))),
    exitCode: 3,
    says: /not an SQLite database, or it is encrypted/,
  },
  {
    title: 'a file of one byte',
    make: (path) => writeFileSync(path, 'S'),
    exitCode: 3,
    says: /not an SQLite database/,
  },
  {
    title: 'I11: a truncated database',
    make: (path) => {
      makeDatabase(path, { mark: 'cut', rows: 200, filling: 500 });
      truncateSync(path, 40_960);
    },
    exitCode: 6,
    says: /is damaged/,
  },
  {
    title: 'I11: a database that lacks its last byte',
    make: (path) => {
      makeDatabase(path, { mark: 'cut', rows: 200, filling: 500 });
      truncateSync(path, readFileSync(path).length - 1);
    },
    exitCode: 6,
    says: /is damaged: it has \d+ bytes, its pages take \d+/,
  },
  {
    title: 'I11: a database with a page of noise',
    make: (path) => {
      makeDatabase(path, { mark: 'noise', rows: 200, filling: 500 });
      const bytes = readFileSync(path);
      writeFileSync(path, bytes.fill(0xa5, 8192, 12_288));
    },
    exitCode: 6,
    says: /is damaged/,
  },
  {
    title: 'B6: a FIFO',
    make: (path) => execFileSync('mkfifo', [path]),
    exitCode: 3,
    says: /is not a regular file/,
  },
  {
    title: 'B6: a link to /dev/null',
    make: (path) => symlinkSync('/dev/null', path),
    exitCode: 3,
    says: /regular file/,
  },
  { title: 'B6: a dangling link', make: (path) => symlinkSync('nowhere', path), exitCode: 3, says: /does not exist/ },
];

test.each(badSources)('$title is refused with its name and a hint, and nothing is written', async (source) => {
  const cwd = await temporaryFolder();
  const path = join(cwd, 'app.db');
  source.make(path);
  const before = treeOf(cwd);
  const result = await runDbops(['backup', 'app.db'], { cwd });
  expect(result.stderr).toMatch(source.says);
  expect(result.stderr).toContain(path);
  expect(result.stderr).toMatch(/\nhint: [A-Z]/);
  expect(result.stderr).not.toMatch(/internal error|\n\s+at /);
  expect(result).toMatchObject({ exitCode: source.exitCode, stdout: '' });
  const withoutStorage = treeOf(cwd).filter((entry) => !['backups/', 'backups/app/'].includes(entry));
  expect(withoutStorage).toEqual(before);
});

test('I6: a database that another process holds exclusively is refused after lockTimeout, naming it', async () => {
  const cwd = await temporaryFolder();
  const path = makeDatabase(join(cwd, 'app.db'), { mark: 'busy' });
  writeFileSync(join(cwd, 'dbops.yaml'), 'targets: { app: { database: ./app.db, lockTimeout: 300ms } }');
  const holder = new Database(path);
  onTestFinished(() => void holder.close());
  holder.exec('BEGIN EXCLUSIVE');
  const result = await runDbops(['backup'], { cwd });
  expect(result.stderr).toContain(`${path} is locked by another connection`);
  expect(result.stderr).toMatch(/hint: .*lockTimeout/);
  expect(result.exitCode).toBe(3);
  holder.exec('ROLLBACK');
  expect((await runDbops(['backup'], { cwd })).exitCode).toBe(0);
});

test('B5: without permission each place is named: the source, its folder, the storage, the destination', async () => {
  const cwd = await temporaryFolder();
  chmodSync(cwd, 0o755);
  const home = join(cwd, 'home');
  mkdirSync(home);
  chmodSync(home, 0o777);
  makeDatabase(join(cwd, 'readable.db'), { mark: 'r' });
  chmodSync(join(cwd, 'readable.db'), 0o644);
  makeDatabase(join(cwd, 'secret.db'), { mark: 's' });
  chmodSync(join(cwd, 'secret.db'), 0o600);
  mkdirSync(join(cwd, 'closed'), { mode: 0o700 });
  makeDatabase(join(cwd, 'closed', 'app.db'), { mark: 'c' });
  const source = await runAsNobody(['backup', '../secret.db', '--storage', 'mine'], home);
  expect(source.stderr).toMatch(/secret\.db cannot be read: permission denied\nhint: /);
  expect(source.exitCode).toBe(3);
  const folder = await runAsNobody(['backup', '../closed/app.db', '--storage', 'mine'], home);
  expect(folder.stderr).toMatch(/closed\/app\.db cannot be read: permission denied\nhint: /);
  expect(folder.exitCode).toBe(3);
  const storage = await runAsNobody(['backup', '../readable.db', '--storage', '../closed'], home);
  expect(storage.stderr).toMatch(/closed.*: permission denied\nhint: /);
  expect(storage.exitCode).toBe(5);
  const made = await runAsNobody(['backup', '../readable.db', '--storage', 'mine'], home);
  expect(made.stderr).not.toContain('error');
  expect(made.exitCode).toBe(0);
  const restored = await runAsNobody(['restore', '--storage', 'mine', '--into', '../new.db'], home);
  expect(restored.stderr).toMatch(/: permission denied\nhint: /);
  expect(restored.exitCode).toBe(5);
  expect(treeOf(cwd).filter((path) => /new\.db|\.dbops-tmp/.test(path))).toEqual([]);
});

test.each([
  'with space.db',
  `quo'te".db`,
  'new\nline.db',
  '-leading.db',
  '--help.db',
  'ünïcode ☃.db',
  '$(touch x).db',
  'a;b|c&d.db',
  '%2e.db',
  'name?mode=memory.db',
])('B13: a database called %j is backed up, found and restored', async (name) => {
  const cwd = await temporaryFolder();
  makeDatabase(join(cwd, name), { mark: 'odd' });
  const before = contentOf(cwd);
  const made = await runDbops(['backup', '--json', '--', name], { cwd });
  expect(made.stderr).toBe('');
  expect(made.exitCode).toBe(0);
  const into = `restored-${name}`;
  const restored = await runDbops(['restore', '--into', into], { cwd });
  expect(restored.stderr).not.toContain('error');
  expect(restored.exitCode).toBe(0);
  expect(readDatabase(join(cwd, into))).toBe('odd:20');
  expect(contentOf(cwd)).toEqual(expect.arrayContaining(before));
});

test('I16: a linked database is backed up as the file it leads to, with its log', async () => {
  const cwd = await temporaryFolder();
  mkdirSync(join(cwd, 'real'));
  const path = makeDatabase(join(cwd, 'real', 'data.db'), { mark: 'first', journal: 'wal' });
  symlinkSync('real/data.db', join(cwd, 'app.db'));
  const writer = new Database(path);
  onTestFinished(() => void writer.close());
  writer.exec("INSERT INTO notes(mark) VALUES ('in the log')");
  expect((await runDbops(['backup', 'app.db'], { cwd })).exitCode).toBe(0);
  expect((await runDbops(['restore', '--into', 'copy.db'], { cwd })).exitCode).toBe(0);
  expect(readDatabase(join(cwd, 'copy.db'))).toBe('first:20+in the log:1');
});

function runAsNobody(args: readonly string[], cwd: string): Promise<{ exitCode: number | null; stderr: string }> {
  // Root may do everything, so it has to become somebody who may not.
  const root = process.getuid?.() === 0;
  const become = ['--reuid=65534', '--regid=65534', '--clear-groups', process.execPath];
  const child = spawn(root ? 'setpriv' : process.execPath, [...(root ? become : []), binary, ...args], {
    cwd,
    env: { PATH: '/usr/bin:/bin', HOME: cwd },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  return new Promise((resolve, reject) => {
    child.once('error', reject).once('close', (exitCode) => resolve({ exitCode, stderr }));
  });
}
