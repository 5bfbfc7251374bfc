import { execFileSync } from 'node:child_process';
import { chmod, chown, copyFile, link, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Promotion, Staging } from '../../src/core/ports/engine.ts';
import { startAgent } from '../../src/engines/sqlite/agent-client.ts';
import { sqliteEngine } from '../../src/engines/sqlite/sqlite-engine.ts';
import { startApp, type App } from '../support/sqlite-app.ts';
import { addressOf, isThere, makeDatabase, never, newScratch, partOf, query, stamp } from '../support/sqlite-engine.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const spill = `BEGIN; UPDATE t SET x = 'torn'; WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
  INSERT INTO t SELECT hex(zeroblob(500)) FROM n`;
const old = `CREATE TABLE t(x); INSERT INTO t VALUES ('old')`;

describe('a restore over a database', () => {
  it('keeps the rows that a killed application had in its log', async () => {
    const { backup, into } = await prepared();
    const app = await startApp(into);
    await app.run(`db.pragma('journal_mode = WAL'), db.exec("${old}")`);
    await app.kill();
    expect(await isThere(`${into}-wal`)).toBe(true);
    const { kept } = await put(backup, into);
    expect(query(into, 'SELECT x FROM t')).toEqual([['backup']]);
    expect(query(String(kept), 'SELECT x FROM t')).toEqual([['old']]);
    expect(await isThere(`${into}-wal`)).toBe(false);
  });

  it('keeps rights, owner and the place behind a symbolic link, and puts the journal mode back', async () => {
    const { backup, into, folder } = await prepared(old);
    await chmod(into, 0o660);
    if (process.getuid?.() === 0) await chown(into, 65_534, 65_534);
    const before = await stat(into);
    await symlink(into, join(folder, 'current.db'));
    await put(backup, join(folder, 'current.db'), { settings: { journal: 'wal' } });
    const after = await stat(into);
    expect([after.mode, after.uid, after.gid]).toEqual([before.mode, before.uid, before.gid]);
    expect((await readFile(into))[18]).toBe(2);
    expect(query(join(folder, 'current.db'), 'SELECT x FROM t')).toEqual([['backup']]);
  });

  it.each([
    ['an idle connection with a log', `db.pragma('journal_mode = WAL'), db.exec('INSERT INTO t VALUES (2)')`],
    ['an open read transaction', `db.pragma('journal_mode = WAL'), db.exec('BEGIN; SELECT * FROM t')`],
    ['an open write transaction', `db.exec('BEGIN IMMEDIATE; INSERT INTO t VALUES (3)')`],
  ])('is refused while another process has it: %s', async (_, code) => {
    const { backup, into, folder } = await prepared(old);
    const app = await startApp(into);
    await app.run(code);
    const names = await readdir(folder);
    const inUse = { code: 'REFUSED', message: expect.stringContaining(`${into} is in use by process ${app.pid}`) };
    await expect(put(backup, into)).rejects.toMatchObject(inUse);
    // Where the system does not tell who has a file open, SQLite does.
    await using agent = startAgent(never);
    const staged = join(await newScratch(folder), 'restored.db');
    await copyFile(backup, staged);
    const blind = { staged, destination: into, keepAs: `${into}.kept`, wal: false, used: false, allowOpen: false };
    await expect(agent.run('promote', { ...blind, lockTimeoutMs: 100 })).rejects.toMatchObject({
      code: 'REFUSED',
      message: `another process uses ${into}`,
    });
    expect((await readdir(folder)).filter((name) => !name.startsWith('scratch'))).toEqual(names);
    await app.close();
    expect(query(into, 'SELECT x FROM t')).toContainEqual(['old']);
  });

  it('sees an idle connection without a log, and says who it is', async () => {
    const { into } = await prepared(old);
    const app = await startApp(into);
    await app.run(`db.prepare('SELECT * FROM t').all()`);
    const { users } = await sqliteEngine.survey(addressOf(into), { signal: never });
    expect(users.map((user) => user.replace(/ \(.*/, ''))).toEqual([`process ${app.pid}`]);
  });

  it('leaves an application that runs on with the kept copy, when that was allowed', async () => {
    const { backup, into } = await prepared(old);
    const app = await startApp(into);
    await app.run(`db.pragma('journal_mode = WAL'), db.exec("INSERT INTO t VALUES ('before')")`);
    const { kept, warnings } = await put(backup, into, { allowOpen: true, settings: { journal: 'wal' } });
    expect(warnings.join('\n')).toContain('still has the old database open');

    const restarted = await startApp(into);
    await restarted.run(`db.exec("INSERT INTO t VALUES ('new application')")`);
    await app.run(`db.exec("INSERT INTO t VALUES ('after')")`);
    // Closing as the last one on its own file, it must not take the log of the others away.
    await app.close();
    expect(await isThere(`${into}-wal`)).toBe(true);
    await restarted.kill();

    expect(query(into, 'SELECT x FROM t')).toEqual([['backup'], ['new application']]);
    expect(query(String(kept), 'SELECT x FROM t')).toEqual([['old'], ['before'], ['after']]);
    expect(query(into, 'PRAGMA integrity_check')).toEqual([['ok']]);
    expect(query(String(kept), 'PRAGMA integrity_check')).toEqual([['ok']]);
  });

  it('is refused when the application was started while the copy was checked', async () => {
    const { backup, into } = await prepared(old);
    await using staging = await staged(backup, into);
    const app = await startApp(into);
    await app.run(`db.prepare('SELECT * FROM t').all()`);
    await expect(staging.promote({ settings: {}, allowOpen: false, stamp, signal: never })).rejects.toMatchObject({
      code: 'REFUSED',
      message: expect.stringContaining(`process ${app.pid}`),
    });
    const { warnings } = await staging.promote({ settings: {}, allowOpen: true, stamp, signal: never });
    expect(warnings.join('\n')).toContain('restart it');
  });

  it('warns of an application that only waits with a lock', async () => {
    const { backup, into } = await prepared(old);
    const app = await startApp(into);
    await app.run(`db.exec('BEGIN; SELECT * FROM t')`);
    expect((await put(backup, into, { allowOpen: true })).warnings.join('\n')).toContain('restart it');
  });

  it.each([
    ['-journal', 'a transaction half in the file', [`db.pragma('cache_size = 2'), db.exec(${JSON.stringify(spill)})`]],
    [
      '-wal',
      'a log that a reader holds',
      [`db.pragma('journal_mode = WAL'), db.exec('BEGIN; SELECT * FROM t')`, `db.exec("INSERT INTO t VALUES ('new')")`],
    ],
  ])('is refused even with --allow-open while its %s holds a part of it: %s', async (suffix, _, codes) => {
    const { backup, into, folder } = await prepared(old);
    const apps: App[] = [];
    for (const code of codes) {
      const app = await startApp(into);
      await app.run(code);
      apps.push(app);
    }
    const names = (await readdir(folder)).toSorted();
    await expect(put(backup, into, { allowOpen: true })).rejects.toMatchObject({
      code: 'REFUSED',
      message: `${into}${suffix} holds a part of the database, because another process uses it`,
      hint: expect.stringContaining('Stop the application'),
    });
    expect((await readdir(folder)).filter((name) => !name.startsWith('scratch')).toSorted()).toEqual(names);
    for (const app of apps) await app.kill();

    const { undo, kept } = await put(backup, into);
    const before = query(String(kept), 'SELECT x FROM t LIMIT 2');
    expect(before).toEqual(suffix === '-wal' ? [['old'], ['new']] : [['old']]);
    execFileSync('sh', ['-c', String(undo)]);
    expect(query(into, 'SELECT x FROM t LIMIT 2')).toEqual(before);
    expect(query(into, 'PRAGMA integrity_check')).toEqual([['ok']]);
  });

  it('says that other hard links still lead to the old one', async () => {
    const { backup, into, folder } = await prepared(old);
    await link(into, join(folder, 'second.db'));
    expect((await put(backup, into)).warnings.join('\n')).toContain('2 hard links; only this name was replaced');
    expect(query(join(folder, 'second.db'), 'SELECT x FROM t')).toEqual([['old']]);
  });

  it.each([
    ['a text file', 'not a database at all, only words. '.repeat(100)],
    ['an empty file', ''],
    ['half a database', Buffer.concat([Buffer.from('SQLite format 3\0'), Buffer.alloc(3000, 7)])],
  ])('replaces what is no sound database, and keeps it as it was: %s', async (_, content) => {
    const { backup, into } = await prepared();
    await writeFile(into, content);
    const { kept } = await put(backup, into);
    expect(await readFile(String(kept))).toEqual(Buffer.from(content));
    expect(query(into, 'SELECT x FROM t')).toEqual([['backup']]);
  });

  it('never takes the name of another kept copy', async () => {
    const { backup, into } = await prepared(old);
    await writeFile(`${into}.pre-restore.${stamp}`, 'mine');
    expect((await put(backup, into)).kept).toBe(`${into}.pre-restore.${stamp}-2`);
    expect(await readFile(`${into}.pre-restore.${stamp}`, 'utf8')).toBe('mine');
  });

  it('ends whole when two run at once, with the old database kept', async () => {
    const { backup, into, folder } = await prepared(old);
    const second = makeDatabase(join(folder, 'second.db'), `CREATE TABLE t(x); INSERT INTO t VALUES ('second')`);
    const ended = await Promise.allSettled([put(backup, into), put(second, into)]);
    const kept = ended.flatMap((end) => (end.status === 'fulfilled' ? [String(end.value.kept)] : []));
    expect(kept.length).toBeGreaterThan(0);
    const held = [into, ...kept].flatMap((file) => query(file, 'SELECT x FROM t').flat());
    expect(held).toContain('old');
    expect(['backup', 'second']).toContain(held[0]);
  });
});

describe('a restore to a new place', () => {
  it('makes a private file and keeps nothing', async () => {
    const { backup, into } = await prepared();
    expect(await put(backup, into)).toEqual({ kept: undefined, undo: undefined, warnings: [] });
    expect((await stat(into)).mode & 0o777).toBe(0o600);
  });

  it.each(['-wal', '-shm', '-journal'])(
    'I5: is refused beside a stray %s, which would be read into it',
    async (suffix) => {
      const { backup, into } = await prepared();
      await writeFile(into + suffix, 'stray');
      await expect(put(backup, into)).rejects.toMatchObject({
        code: 'REFUSED',
        message: `${into}${suffix} exists without its database`,
      });
      expect(await isThere(into)).toBe(false);
    },
  );

  it('belongs to the owner of its folder when root makes it', async () => {
    const { backup, folder } = await prepared();
    const home = join(folder, 'home');
    await mkdir(home);
    const root = process.getuid?.() === 0;
    if (root) await chown(home, 65_534, 65_533);
    await put(backup, join(home, 'app.db'));
    const [{ uid, gid }, file] = [await stat(home), await stat(join(home, 'app.db'))];
    expect([file.uid, file.gid, file.mode & 0o777]).toEqual([uid, gid, 0o600]);
  });

  it('is refused behind a link to nothing', async () => {
    const { backup, folder } = await prepared();
    await symlink('gone.db', join(folder, 'current.db'));
    await expect(put(backup, join(folder, 'current.db'))).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringMatching(/current\.db is a link to nothing$/),
      hint: expect.stringContaining('gone.db'),
    });
  });

  it.each([
    ['a missing folder', 'none/app.db', /^the folder of .* does not exist$/],
    ['a folder', '.', /is a folder$/],
  ])('says what is wrong with it: %s', async (_, name, message) => {
    const { backup, folder } = await prepared();
    await expect(put(backup, join(folder, name))).rejects.toMatchObject({ code: 'USAGE', message });
  });
});

describe('the undo line', () => {
  it.each(['app.db', "it's.db", 'two words.db', '-dash.db', '"$(touch x)"`y`.db', 'new\nline.db', 'ü😀.db'])(
    'puts the old database back through a shell: %j',
    async (name) => {
      const { backup, folder } = await prepared();
      const into = makeDatabase(join(folder, name), old);
      const { undo } = await put(backup, into, { settings: { journal: 'wal' } });
      // A crash of the restored one leaves a log, which must not be read into the old one.
      const app = await startApp(into);
      await app.run(`db.exec("INSERT INTO t VALUES ('doomed')")`);
      await app.kill();
      execFileSync('sh', ['-c', String(undo)], { cwd: folder });
      expect(query(into, 'SELECT x FROM t')).toEqual([['old']]);
      expect(await isThere(`${into}-wal`)).toBe(false);
    },
  );
});

describe('the undo line of a database with files beside it', () => {
  it('moves those back too', async () => {
    const { backup, into } = await prepared(old);
    const app = await startApp(into);
    await app.run(`db.pragma('journal_mode = PERSIST'), db.exec("INSERT INTO t VALUES ('second')")`);
    await app.close();
    const { kept, undo } = await put(backup, into);
    expect([await isThere(`${into}-journal`), await isThere(`${kept}-journal`)]).toEqual([false, true]);
    execFileSync('sh', ['-c', String(undo)]);
    expect([await isThere(`${into}-journal`), await isThere(`${kept}-journal`)]).toEqual([true, false]);
    expect(query(into, 'SELECT x FROM t')).toEqual([['old'], ['second']]);
  });

  it('moves them back under an application that never closed it', async () => {
    const { backup, into, folder } = await prepared(old);
    const app = await startApp(into);
    await app.run(`db.pragma('journal_mode = WAL'), db.exec("INSERT INTO t VALUES ('before')")`);
    const { undo } = await put(backup, into, { allowOpen: true });
    await app.run(`db.exec("INSERT INTO t VALUES ('after')")`);
    execFileSync('sh', ['-c', String(undo)]);
    expect((await readdir(folder)).filter((name) => name.includes('pre-restore'))).toEqual([]);
    await (await startApp(into)).run(`db.exec("INSERT INTO t VALUES ('another')")`);
    await app.run(`db.exec("INSERT INTO t VALUES ('last')")`);
    expect(query(into, 'SELECT x FROM t').flat()).toEqual(['old', 'before', 'after', 'another', 'last']);
    expect(query(into, 'PRAGMA integrity_check')).toEqual([['ok']]);
  });
});

async function prepared(sql?: string): Promise<{ folder: string; backup: string; into: string }> {
  const folder = await temporaryFolder();
  const backup = makeDatabase(join(folder, 'backup.db'), `CREATE TABLE t(x); INSERT INTO t VALUES ('backup')`);
  const into = join(folder, 'app.db');
  if (sql !== undefined) makeDatabase(into, sql);
  return { folder, backup, into };
}

interface PutOptions {
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly allowOpen?: boolean;
}

async function put(
  file: string,
  into: string,
  { settings = {}, allowOpen = false }: PutOptions = {},
): Promise<Promotion> {
  await using staging = await staged(file, into);
  return await staging.promote({ settings, allowOpen, stamp, signal: never });
}

async function staged(file: string, into: string): Promise<Staging> {
  const scratch = await newScratch(dirname(file));
  return sqliteEngine.stage(partOf(file), addressOf(into), { scratch, signal: never, onProgress: () => undefined });
}
