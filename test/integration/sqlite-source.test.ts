import { execFileSync, spawnSync } from 'node:child_process';
import { chmod, link, readFile, readdir, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { sqliteEngine } from '../../src/engines/sqlite/sqlite-engine.ts';
import { openDump, probeOf } from '../support/open-dump.ts';
import { startApp } from '../support/sqlite-app.ts';
import { addressOf, backUp, makeDatabase, never, newScratch, query, tableOf } from '../support/sqlite-engine.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const rows = (count: number): string =>
  `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})`;

async function folders(): Promise<{ data: string; work: string; source: string }> {
  const folder = await temporaryFolder();
  const data = await newScratch(folder);
  return { data, work: await newScratch(folder), source: join(data, 'app.db') };
}

describe('a backup of a database that somebody left in the middle', () => {
  it('I3: holds rows that are only in the write-ahead log of a dead process', async () => {
    const { data, work, source } = await folders();
    const app = await startApp(source);
    await app.run(`db.pragma('journal_mode = WAL'), db.exec('CREATE TABLE t(x); INSERT INTO t VALUES (1), (2)')`);
    await app.kill();
    const before = await contentOf(data, ['app.db', 'app.db-wal']);
    const { file, found } = await backUp(source, work);
    expect(tableOf(found, 't')?.rows).toBe(2);
    expect(query(file, 'SELECT * FROM t')).toEqual([[1n], [2n]]);
    expect(await contentOf(data, ['app.db', 'app.db-wal'])).toEqual(before);
  });

  it('B17: is readable for its owner alone while it is collected, whatever the umask', async () => {
    const { work, source } = await folders();
    makeDatabase(source, 'CREATE TABLE t(x)');
    const request = { scratch: work, facts: 'rows', signal: never } as const;
    await using dump = await openDump(sqliteEngine, addressOf(source), request);
    const [part] = dump.parts;
    if (part?.source.type !== 'file') throw new Error('the dump has no file');
    expect((await stat(part.source.path)).mode & 0o777).toBe(0o600);
    await dump.finish();
  });

  it('I4: holds what was committed before a crash with a hot journal', async () => {
    const { data, work, source } = await folders();
    const app = await startApp(source);
    await app.run(`db.exec('CREATE TABLE t(b); ${rows(50)} INSERT INTO t SELECT zeroblob(4000) FROM n')`);
    await app.run(
      `db.pragma('cache_size = 5'), db.exec('BEGIN; DELETE FROM t; ${rows(300)} INSERT INTO t SELECT randomblob(4000) FROM n')`,
    );
    await app.kill();
    expect((await readFile(join(data, 'app.db-journal'))).length).toBeGreaterThan(512);
    const { found } = await backUp(source, work);
    expect(found.problems).toEqual([]);
    expect(tableOf(found, 't')?.rows).toBe(50);
    expect(query(source, 'SELECT count(*), sum(length(b)) FROM t')).toEqual([[50n, 200_000n]]);
  });

  it.each(['DELETE', 'TRUNCATE', 'PERSIST', 'WAL'])(
    'I23: changes no byte and no file of a source in mode %s that nobody has open',
    async (mode) => {
      const { data, work, source } = await folders();
      makeDatabase(source, `PRAGMA journal_mode = ${mode}; CREATE TABLE t(x); INSERT INTO t VALUES (1)`);
      const names = await readdir(data);
      const before = await contentOf(data, names);
      await probeOf(sqliteEngine, addressOf(source), { signal: never });
      expect(tableOf((await backUp(source, work)).found, 't')?.rows).toBe(1);
      expect(await readdir(data)).toEqual(names);
      expect(await contentOf(data, names)).toEqual(before);
    },
  );

  it.each(['DELETE', 'WAL'])(
    'I23: changes nothing of a source in mode %s that an application has open',
    async (mode) => {
      const { data, work, source } = await folders();
      const app = await startApp(source);
      await app.run(`db.pragma('journal_mode = ${mode}'), db.exec('CREATE TABLE t(x); INSERT INTO t VALUES (1)')`);
      const names = await readdir(data);
      const stable = names.filter((name) => !name.endsWith('-shm'));
      const before = await contentOf(data, stable);
      expect(tableOf((await backUp(source, work)).found, 't')?.rows).toBe(1);
      expect(await readdir(data)).toEqual(names);
      expect(await contentOf(data, stable)).toEqual(before);
      await app.run(`db.exec('INSERT INTO t VALUES (2)')`);
      await app.close();
      expect(query(source, 'SELECT count(*) FROM t')).toEqual([[2n]]);
    },
  );
});

describe('a source that cannot be read now', () => {
  it.each([
    ['rollback', `db.exec('CREATE TABLE t(x); BEGIN EXCLUSIVE')`],
    [
      'an exclusive write-ahead log',
      `db.pragma('locking_mode = EXCLUSIVE'), db.pragma('journal_mode = WAL'), db.exec('CREATE TABLE t(x)')`,
    ],
  ])('I6: is reported as locked when its time is over: %s', async (_, code) => {
    const { work, source } = await folders();
    const app = await startApp(source);
    await app.run(code);
    await expect(backUp(source, work)).rejects.toMatchObject({
      code: 'SOURCE_REFUSED',
      message: `${source} is locked by another connection`,
      hint: expect.stringContaining('lockTimeout'),
    });
    await app.close();
    expect((await backUp(source, work)).found.problems).toEqual([]);
  });

  it.each([
    ['is a folder', (path: string) => newScratch(path).then(() => undefined)],
    ['is empty (0 bytes)', (path: string) => writeFile(path, '')],
    ['is not an SQLite database, or it is encrypted', (path: string) => writeFile(path, 'x'.repeat(5000))],
    ['does not exist', () => Promise.resolve()],
  ])('says what it is: %s', async (problem, make) => {
    const { work, source } = await folders();
    await make(source);
    const refused = { code: 'SOURCE_REFUSED', message: `${source} ${problem}` };
    await expect(backUp(source, work)).rejects.toMatchObject(refused);
    await expect(sqliteEngine.open(addressOf(source), { signal: never })).rejects.toMatchObject(refused);
  });

  it('is damaged when its end is missing', async () => {
    const { work, source } = await folders();
    makeDatabase(source, `CREATE TABLE t(x); ${rows(500)} INSERT INTO t SELECT randomblob(500) FROM n`);
    await writeFile(source, (await readFile(source)).subarray(0, 100_001));
    await expect(backUp(source, work)).rejects.toMatchObject({ code: 'DAMAGED' });
  });
});

describe('I7: as a user who may only read', () => {
  it.each([
    ['DELETE', 0, '1'],
    ['WAL', 3, 'cannot be opened'],
  ])('a database in mode %s gives what it can: exit %i', async (mode, status, said) => {
    const { data, work, source } = await folders();
    makeDatabase(source, `PRAGMA journal_mode = ${mode}; CREATE TABLE t(x); INSERT INTO t VALUES (1)`);
    for (const [path, rights] of [
      [join(data, '..'), 0o755],
      [data, 0o555],
      [source, 0o444],
      [work, 0o777],
    ] as const) {
      await chmod(path, rights);
    }
    const names = await readdir(data);
    const code = `
      const { backUp } = await import(${JSON.stringify(new URL('../support/backup-alone.ts', import.meta.url).href)});
      await backUp(${JSON.stringify(source)}, ${JSON.stringify(work)});`;
    const words = [process.execPath, '--input-type=module', '-e', code];
    const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
    const [program = '', ...args] = process.getuid?.() === 0 ? [...nobody, ...words] : words;
    const run = spawnSync(program, args, { encoding: 'utf8' });
    expect(run.stdout + run.stderr).toContain(said);
    expect(run.status).toBe(status);
    expect(await readdir(data)).toEqual(names);
  });
});

describe('a source that changes under the backup', () => {
  const big = `CREATE TABLE t(x, b); ${rows(9000)} INSERT INTO t SELECT 'old', randomblob(9000) FROM n`;

  it('I15: replaced by a rename: the backup is the old one, whole', async () => {
    const { data, work, source } = await folders();
    makeDatabase(source, `PRAGMA journal_mode = WAL; ${big}`);
    const next = makeDatabase(join(data, 'next.db'), `CREATE TABLE t(x, b); INSERT INTO t VALUES ('new', NULL)`);
    let replaced: Promise<void> | undefined;
    const { found, file } = await backUp(source, work, {
      onProgress: () => {
        replaced ??= rename(next, source);
      },
    });
    expect(replaced).toBeDefined();
    await replaced;
    expect(found.problems).toEqual([]);
    expect(query(file, 'SELECT DISTINCT x FROM t')).toEqual([['old']]);
    expect(query(source, 'SELECT x FROM t')).toEqual([['new']]);
  });

  it('I1, I15: vacuumed and written to meanwhile: the backup is the snapshot from before', async () => {
    const { work, source } = await folders();
    const app = await startApp(source);
    await app.run(`db.pragma('journal_mode = WAL'), db.exec(${JSON.stringify(big)})`);
    let changed: Promise<unknown> | undefined;
    const change = (): void => {
      changed ??= app.run(`db.exec("UPDATE t SET x = 'new'; DELETE FROM t WHERE rowid > 10; VACUUM")`);
    };
    const { found, file } = await backUp(source, work, { onProgress: change });
    expect(changed).toBeDefined();
    await changed;
    expect(found.problems).toEqual([]);
    expect(query(file, 'SELECT x, count(*) FROM t GROUP BY x')).toEqual([['old', 9000n]]);
    await app.close();
    expect(query(source, 'SELECT x, count(*) FROM t GROUP BY x')).toEqual([['new', 10n]]);
  });
});

describe('names of a source', () => {
  it('I16: a symbolic link leads to the log beside the real file', async () => {
    const { data, work, source } = await folders();
    const app = await startApp(source);
    await app.run(`db.pragma('journal_mode = WAL'), db.exec('CREATE TABLE t(x); INSERT INTO t VALUES (1)')`);
    const name = join(data, 'current');
    await symlink(source, name);
    expect(tableOf((await backUp(name, work)).found, 't')?.rows).toBe(1);
    expect((await probeOf(sqliteEngine, addressOf(name), { signal: never })).database).toBe(source);
  });

  it('I16: a second hard link is worth a warning', async () => {
    const { data, source } = await folders();
    makeDatabase(source, 'CREATE TABLE t(x)');
    await link(source, join(data, 'second.db'));
    const { warnings } = await probeOf(sqliteEngine, addressOf(source), { signal: never });
    expect(warnings).toEqual([`${source} has 2 hard links; its -wal file belongs to only one of these names`]);
  });

  it.each(["it's", 'two words', '-dash', 'new\nline', '"quoted"', 'ünï😀', 'file:x?mode=memory', '100%25'])(
    'are taken as they are: %j',
    async (name) => {
      const { data, work } = await folders();
      const source = makeDatabase(join(data, name), 'CREATE TABLE t(x); INSERT INTO t VALUES (1)');
      expect(tableOf((await backUp(source, work)).found, 't')?.rows).toBe(1);
      await rm(source);
      expect(await readdir(data)).toEqual([]);
    },
  );
});

describe('I18: a program that embeds dbops', () => {
  it('keeps the locks of its own connections', async () => {
    const { work, source } = await folders();
    makeDatabase(source, 'CREATE TABLE t(x); INSERT INTO t VALUES (1)');
    const own = new Database(source);
    own.exec('BEGIN IMMEDIATE; INSERT INTO t VALUES (2)');
    await probeOf(sqliteEngine, addressOf(source), { signal: never });
    expect(tableOf((await backUp(source, work)).found, 't')?.rows).toBe(1);
    const intruder = spawnSync('sqlite3', [source, 'INSERT INTO t VALUES (3)'], { encoding: 'utf8' });
    expect(intruder.stderr).toContain('database is locked');
    own.exec('COMMIT');
    own.close();
    expect(execFileSync('sqlite3', [source, 'SELECT group_concat(x) FROM t'], { encoding: 'utf8' })).toBe('1,2\n');
  });
});

async function contentOf(folder: string, names: readonly string[]): Promise<Record<string, string>> {
  const files = names.map(async (name) => [name, (await readFile(join(folder, name))).toString('base64')] as const);
  return Object.fromEntries(await Promise.all(files));
}
