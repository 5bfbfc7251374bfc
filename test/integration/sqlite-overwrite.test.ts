import { chmod, readdir, stat } from 'node:fs/promises';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { sqliteEngine } from '../../src/engines/sqlite/sqlite-engine.ts';
import {
  addressOf,
  bringTables,
  isThere,
  makeDatabase,
  makePair,
  newScratch,
  partOf,
  query,
  stamp,
} from '../support/sqlite-engine.ts';

describe('an overwritten table', () => {
  it('leaves child rows alone and is kept as it was', async () => {
    const { source, into, folder } = await makePair(
      'CREATE TABLE p(id INTEGER PRIMARY KEY, v); INSERT INTO p VALUES (1, 0), (2, 0)',
      `CREATE TABLE p(id INTEGER PRIMARY KEY, v); INSERT INTO p VALUES (1, 5), (2, 6);
       CREATE TABLE c(p INT REFERENCES p ON DELETE CASCADE); INSERT INTO c VALUES (1), (2);
       CREATE TABLE log(x); CREATE TRIGGER p_ad AFTER DELETE ON p BEGIN INSERT INTO log VALUES (old.id); END`,
    );
    const { kept, warnings } = await bringTables(source, into, ['p'], true);
    expect(kept).toBe(`${into}.pre-restore.${stamp}`);
    expect(query(into, 'SELECT * FROM p')).toEqual(query(source, 'SELECT * FROM p'));
    expect(query(into, 'SELECT count(*) FROM c')).toEqual([[2n]]);
    expect(query(into, 'SELECT * FROM log')).toEqual([]);
    expect(query(String(kept), 'SELECT v FROM p')).toEqual([[5n], [6n]]);
    expect(warnings).toEqual(['table "p" of the backup lacks trigger "p_ad", which only the kept copy still has']);
    expect((await readdir(folder)).toSorted()).toEqual(['into.db', `into.db.pre-restore.${stamp}`, 'source.db']);
  });

  it('is kept with the rights of the database, and never over another kept copy', async () => {
    const { source, into } = await makePair('CREATE TABLE t(x); INSERT INTO t VALUES (9)', 'CREATE TABLE t(x)');
    await chmod(into, 0o640);
    const first = await bringTables(source, into, ['t'], true);
    const second = await bringTables(source, into, ['t'], true);
    expect(second.kept).toBe(`${String(first.kept)}-2`);
    expect(query(String(first.kept), 'SELECT * FROM t')).toEqual([]);
    expect(query(String(second.kept), 'SELECT * FROM t')).toEqual([[9n]]);
    expect((await stat(String(first.kept))).mode & 0o777).toBe(0o640);
  });

  it('is refused without the word for it, and nothing changes', async () => {
    const { source, into, folder } = await makePair('CREATE TABLE t(x)', 'CREATE TABLE T(x); INSERT INTO T VALUES (1)');
    await expect(bringTables(source, into, ['t'])).rejects.toMatchObject({
      code: 'REFUSED',
      message: 'table "t" exist there already',
    });
    expect(query(into, 'SELECT * FROM t')).toEqual([[1n]]);
    expect((await readdir(folder)).toSorted()).toEqual(['into.db', 'source.db']);
  });

  it('says what it had and the backup has not', async () => {
    const { source, into } = await makePair(
      'CREATE TABLE t(a); CREATE INDEX both ON t(a); CREATE TABLE same(a)',
      `CREATE TABLE t(A, b, c AS (b)); CREATE INDEX BOTH ON t(a); CREATE INDEX mine ON t(b); CREATE TABLE same(a);
       CREATE TRIGGER audit AFTER INSERT ON T BEGIN SELECT 1; END`,
    );
    expect((await bringTables(source, into, ['t', 'same'], true)).warnings).toEqual([
      'table "t" of the backup lacks column "b", column "c", index "mine", trigger "audit", which only the kept copy still has',
    ]);
  });

  it('leaves no kept copy when it is stopped in the middle', async () => {
    const { source, into, folder } = await makePair(
      'CREATE TABLE t(x); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) INSERT INTO t SELECT i FROM n; CREATE INDEX i ON t(x)',
      'CREATE TABLE t(x)',
      (db) => {
        // An index that takes minutes to build, so that the middle lasts.
        db.unsafeMode(true);
        db.pragma('writable_schema = ON');
        db.exec(
          "UPDATE sqlite_schema SET sql = 'CREATE INDEX i ON t(length(hex(zeroblob(100000000))), x)' WHERE name = 'i'",
        );
      },
    );
    const stop = new AbortController();
    const reason = new Error('stopped by hand');
    const request = { tables: ['t'], overwrite: true, scratch: await newScratch(folder), stamp, signal: stop.signal };
    const restoring = sqliteEngine.restoreTables(partOf(source), addressOf(into), request);
    const outcome = restoring.catch((error: unknown) => error);
    // The first change of the transaction makes it.
    while (!(await isThere(`${into}-journal`))) await new Promise((resolve) => setImmediate(resolve));
    stop.abort(reason);
    expect(await outcome).toBe(reason);
    makeDatabase(into, 'INSERT INTO t VALUES (0)');
    expect(query(into, 'SELECT count(*) FROM t')).toEqual([[1n]]);
    expect((await readdir(folder)).filter((name) => name.startsWith('into.db'))).toEqual(['into.db']);
  });

  it('comes back as it was when the middle fails, with no copy left behind', async () => {
    const { source, into, folder } = await makePair(
      `CREATE TABLE a(x); INSERT INTO a VALUES ('new'); CREATE TABLE b(x, y UNIQUE); INSERT INTO b VALUES (1, 2), (3, NULL);`,
      `CREATE TABLE a(x); INSERT INTO a VALUES ('old'); CREATE TABLE b(x)`,
      (db) => {
        // Rows that a definition no longer allows: the copy fails after the first table is done.
        db.unsafeMode(true);
        db.pragma('writable_schema = ON');
        db.exec("UPDATE sqlite_schema SET sql = 'CREATE TABLE b(x, y UNIQUE NOT NULL)' WHERE name = 'b'");
      },
    );
    await expect(bringTables(source, into, ['a', 'b'], true)).rejects.toMatchObject({
      code: 'REFUSED',
      message: expect.stringContaining('NOT NULL constraint failed: b.y'),
    });
    expect(query(into, 'SELECT * FROM a')).toEqual([['old']]);
    expect((await readdir(folder)).toSorted()).toEqual(['into.db', 'source.db']);
  });

  it('shuts writers out between its kept copy and its end, so that no commit falls in between', async () => {
    const { source, into } = await makePair('CREATE TABLE t(x); INSERT INTO t VALUES (0)', 'CREATE TABLE t(x)');
    const app = new Database(into, { timeout: 10_000 });
    app.pragma('journal_mode = WAL');
    const { stop, written } = insertForever(app);
    let kept: string | undefined;
    try {
      ({ kept } = await bringTables(source, into, ['t'], true));
    } finally {
      await stop();
    }
    const before = query(String(kept), 'SELECT count(*) FROM t')[0] as [bigint];
    const after = app.prepare('SELECT count(*) FROM t WHERE x > 0').pluck().get() as number;
    app.close();
    expect(Number(before[0]) + after).toBe(written());
  });
});

/** Commits a row at every turn of the event loop, as an application does that never rests. */
function insertForever(db: Database.Database): { stop: () => Promise<void>; written: () => number } {
  const statement = db.prepare('INSERT INTO t VALUES (1)');
  let written = 0;
  const state = { running: true };
  const loop = (async () => {
    while (state.running) {
      statement.run();
      written += 1;
      await new Promise((resolve) => setImmediate(resolve));
    }
  })();
  return {
    written: () => written,
    stop: async () => {
      state.running = false;
      await loop;
    },
  };
}
