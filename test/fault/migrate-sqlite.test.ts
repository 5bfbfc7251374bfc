import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { sqliteScene, type MigrateScene } from '../support/migrate-scene.ts';
import { mountSmallDisk } from '../support/small-disk.ts';
import { startApp } from '../support/sqlite-app.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const family =
  'CREATE TABLE parents (id INTEGER PRIMARY KEY, name TEXT);\nCREATE TABLE children (id INTEGER PRIMARY KEY, parent INTEGER NOT NULL REFERENCES parents ON DELETE CASCADE);\n';
const rebuild =
  'CREATE TABLE new_parents (id INTEGER PRIMARY KEY, name TEXT NOT NULL);\nINSERT INTO new_parents SELECT id, name FROM parents;\nDROP TABLE parents;\nALTER TABLE new_parents RENAME TO parents;\n';

async function withFamily(): Promise<MigrateScene> {
  const scene = await sqliteScene();
  await scene.write({ '20260101000001_family.sql': family });
  await scene.migrate('up');
  await scene.sql("INSERT INTO parents VALUES (1, 'a'), (2, 'b'); INSERT INTO children VALUES (1, 1), (2, 1), (3, 2)");
  return scene;
}

const counts = 'SELECT (SELECT count(*) FROM parents), (SELECT count(*) FROM children)';

async function up(scene: MigrateScene, sql: string): Promise<{ exitCode: number | undefined; stderr: string }> {
  await scene.write({ '20260101000002_change.sql': sql });
  return scene.migrate('up', '--backup', 'never');
}

test('a table that is built anew keeps the rows that point to it', async () => {
  const scene = await withFamily();
  const { exitCode, stderr } = await up(scene, rebuild);
  expect(exitCode, stderr).toBe(0);
  expect(await scene.sql(counts)).toBe('2|3');
  expect(await scene.sql("SELECT sql LIKE '%NOT NULL%' FROM sqlite_schema WHERE name = 'parents'")).toBe('1');
});

test('a rebuild that cascades children away is refused before its commit', async () => {
  const scene = await withFamily();
  const { exitCode, stderr } = await up(scene, `-- dbops: keep-foreign-keys\n${rebuild}`);
  expect([exitCode, stderr]).toEqual([
    11,
    expect.stringContaining('would lose rows: "children" had 3 rows and would have 0'),
  ]);
  expect(await scene.sql(counts)).toBe('2|3');
  expect(await scene.sql("SELECT sql LIKE '%NOT NULL%' FROM sqlite_schema WHERE name = 'parents'")).toBe('0');
});

test('a rebuild that forgets rows is refused, unless the file says that it may', async () => {
  const scene = await withFamily();
  const forgetful = rebuild.replace('FROM parents', 'FROM parents WHERE id = 1');
  const refused = await up(scene, `${forgetful}DELETE FROM children WHERE parent = 2;\n`);
  expect([refused.exitCode, refused.stderr]).toEqual([
    11,
    expect.stringContaining('"parents" had 2 rows and would have 1'),
  ]);
  const allowed = await up(
    scene,
    `-- dbops: may-lose-rows parents\n${forgetful}DELETE FROM children WHERE parent = 2;\n`,
  );
  expect(allowed.exitCode, allowed.stderr).toBe(0);
  expect(await scene.sql(counts)).toBe('1|2');
});

test('references that would lead nowhere are refused; those that did so before are not', async () => {
  const scene = await withFamily();
  const refused = await up(scene, 'DELETE FROM parents WHERE id = 2;\n');
  expect([refused.exitCode, refused.stderr]).toEqual([
    11,
    expect.stringContaining(
      'would break foreign keys: 1 rows of "children" point to a row of "parents" that is not there',
    ),
  ]);
  await scene.sql('INSERT INTO children VALUES (9, 99)');
  const fine = await up(scene, 'UPDATE parents SET name = upper(name);\n');
  expect(fine.exitCode, fine.stderr).toBe(0);
});

test('a statement that ends the transaction by itself fails, and nothing before it stays', async () => {
  const scene = await withFamily();
  const { exitCode, stderr } = await up(
    scene,
    "INSERT INTO parents VALUES (3, 'c');\nINSERT OR ROLLBACK INTO parents VALUES (1, 'x');\n",
  );
  expect([exitCode, stderr]).toEqual([11, expect.stringMatching(/change\.sql:2: .*UNIQUE constraint failed/)]);
  expect(await scene.sql(counts)).toBe('2|3');
});

test('what a file sets for its connection does not reach the next one', async () => {
  const scene = await sqliteScene();
  await scene.write({
    '20260101000001_leaks.sql':
      'PRAGMA ignore_check_constraints = ON;\nCREATE TEMP TABLE plain (n);\nCREATE TABLE a (n CHECK (n > 0));\n',
    '20260101000002_plain.sql': 'CREATE TABLE plain (n);\nINSERT INTO plain VALUES (1);\n',
    '20260101000003_check.sql': 'INSERT INTO a VALUES (-1);\n',
  });
  const { exitCode, stderr } = await scene.migrate('up');
  expect([exitCode, stderr]).toEqual([11, expect.stringContaining('CHECK constraint failed')]);
  expect(await scene.sql('SELECT count(*) FROM plain')).toBe('1');
});

test('a file without a transaction goes on where it stopped, and does nothing twice', async () => {
  const scene = await withFamily();
  const start = "-- dbops: no-transaction\nINSERT INTO parents VALUES (3, 'c');\nVACUUM;\n";
  const failed = await up(scene, `${start}INSERT INTO nowhere VALUES (1);\n`);
  expect([failed.exitCode, failed.stderr]).toEqual([
    11,
    expect.stringContaining('change.sql:4: no such table: nowhere'),
  ]);
  expect((await scene.migrate('status', '--json')).json()).toMatchObject({
    migrations: [{ state: 'applied' }, { state: 'unfinished', statementsDone: 2 }],
  });
  const edited = await up(scene, `${start.replace('(3,', '(5,')}INSERT INTO parents VALUES (4, 'd');\n`);
  expect([edited.exitCode, edited.stderr]).toEqual([11, expect.stringContaining('what is done of it was edited')]);
  const again = await up(scene, `-- as it was meant\n${start}INSERT INTO parents VALUES (4, 'd');\n`);
  expect(again.exitCode, again.stderr).toBe(0);
  expect(await scene.sql('SELECT group_concat(id) FROM parents')).toBe('1,2,3,4');
});

test('a writer that does not end is waited for as long as was said, and nothing is changed', async () => {
  const scene = await withFamily();
  const app = await startApp(join(scene.cwd, 'app.db'));
  await app.run("db.exec('BEGIN IMMEDIATE')");
  await scene.write({ '20260101000002_change.sql': 'CREATE TABLE more (n);\n' });
  const { exitCode, stderr } = await scene.migrate('up', '--backup', 'never', '--lock-wait', '300ms');
  expect([exitCode, stderr]).toEqual([7, expect.stringContaining('is locked by another program that writes')]);
  await app.run("db.exec('ROLLBACK')");
  expect((await scene.migrate('up', '--backup', 'never')).exitCode).toBe(0);
});

test('kill -9 while a file runs leaves all of it with its record or nothing', async () => {
  const scene = await withFamily();
  const slow =
    'CREATE TABLE big AS WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 3000000) SELECT n, hex(randomblob(8)) AS x FROM c;\n';
  await scene.write({ '20260101000002_big.sql': slow });
  const running = scene.start('up', '--backup', 'never');
  let said = '';
  running.stderr.on('data', (text: Buffer) => (said += text.toString()));
  await vi.waitFor(() => expect(said).toContain('big: running'), { timeout: 20_000, interval: 20 });
  running.kill('SIGKILL');
  await running;
  const again = await scene.migrate('up', '--backup', 'never');
  expect(again.exitCode, again.stderr).toBe(0);
  expect(await scene.sql('SELECT count(*) FROM big')).toBe('3000000');
  expect(await scene.sql("SELECT count(*) FROM schema_migrations_log WHERE name = 'big' AND outcome = 'done'")).toBe(
    '1',
  );
  expect(await scene.sql('PRAGMA integrity_check')).toBe('ok');
});

test('a disk that runs full while a file runs leaves nothing of it, and ends with 8', async () => {
  const { path } = mountSmallDisk(await temporaryFolder(), 'disk', 1_000);
  const scene = await sqliteScene(path);
  await scene.write({
    '20260101000001_small.sql': 'CREATE TABLE small (n);\n',
    '20260101000002_big.sql': 'CREATE TABLE big (x);\nINSERT INTO big VALUES (randomblob(5000000));\n',
  });
  const { exitCode, stderr } = await scene.migrate('up');
  expect([exitCode, stderr]).toEqual([8, expect.stringContaining('no space left')]);
  expect(await scene.sql('SELECT version FROM schema_migrations')).toBe('20260101000001');
  expect(await scene.sql("SELECT count(*) FROM sqlite_schema WHERE name = 'big'")).toBe('0');
});

test('--create begins with an empty file; without it a path that leads nowhere is an error', async () => {
  const cwd = await temporaryFolder();
  const scene = await sqliteScene(cwd);
  await scene.write({ '20260101000001_small.sql': 'CREATE TABLE small (n);\n' });
  expect((await scene.dbops('migrate', 'up', 'other.db')).exitCode).toBe(3);
  expect((await scene.dbops('migrate', 'up', 'other.db', '--create', '--dry-run')).exitCode).toBe(0);
  expect(existsSync(join(cwd, 'other.db'))).toBe(false);
  expect((await scene.dbops('migrate', 'up', 'other.db', '--create')).exitCode).toBe(0);
  expect((await scene.dbops('migrate', 'status', 'other.db', '--check')).exitCode).toBe(0);
});

test('a file of 50 MB is applied, in one statement or many', async () => {
  const scene = await sqliteScene();
  await scene.write({
    '20260101000001_one.sql': `CREATE TABLE one AS SELECT '${'x'.repeat(50_000_000)}' AS x;\n`,
    '20260101000002_many.sql': `CREATE TABLE many (x);\n${`INSERT INTO many VALUES ('${'y'.repeat(990)}');\n`.repeat(20_000)}`,
  });
  const { exitCode, stderr } = await scene.migrate('up');
  expect(exitCode, stderr).toBe(0);
  expect(await scene.sql('SELECT (SELECT length(x) FROM one), (SELECT count(*) FROM many)')).toBe('50000000|20000');
});
