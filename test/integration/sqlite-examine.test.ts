import { copyFile, open, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { DbopsError } from '../../src/core/errors.ts';
import type { CheckResult } from '../../src/core/ports/engine.ts';
import { startAgent } from '../../src/engines/sqlite/agent-client.ts';
import { sqliteEngine } from '../../src/engines/sqlite/sqlite-engine.ts';
import { childrenOf } from '../support/child-processes.ts';
import { seededRandom } from '../support/seeded-random.ts';
import {
  bringTables,
  examineCopy,
  makeDatabase,
  never,
  newScratch,
  partOf,
  writeScript,
} from '../support/sqlite-engine.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const content = `CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b); CREATE INDEX t_a ON t(a);
  WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 600)
  INSERT INTO t SELECT i, 'text ' || i, zeroblob(i % 900) FROM n; CREATE VIRTUAL TABLE f USING fts5(a); INSERT INTO f SELECT a FROM t`;

describe('I11: a damaged database', () => {
  it('has problems, or other facts, or the same content; and dbops never fails otherwise', async () => {
    const folder = await temporaryFolder();
    const sound = makeDatabase(join(folder, 'sound.db'), `PRAGMA page_size = 1024; ${content}`);
    const random = seededRandom(11);
    await using agent = startAgent(never);
    const before = await agent.run('examine', { path: sound, facts: 'content', checks: [] });
    const seen = { problems: 0, facts: 0, nothing: 0 };
    const rounds = Number(process.env['DBOPS_SOAK_ROUNDS'] ?? 150);
    for (let round = 0; round < rounds; round++) {
      const file = join(folder, 'damaged.db');
      await copyFile(sound, file);
      await scribble(file, random);
      const found = await agent
        .run('examine', { path: file, facts: 'content', checks: [] })
        .catch((error: unknown) => error);
      if (found instanceof DbopsError && found.code === 'DAMAGED') seen.problems += 1;
      else if (found instanceof Error) throw found;
      else if ((found as typeof before).problems.length > 0) seen.problems += 1;
      else if (JSON.stringify(found) !== JSON.stringify(before)) seen.facts += 1;
      else seen.nothing += 1;
    }
    expect(seen.problems + seen.facts).toBeGreaterThan(rounds / 2);
  });

  it.each([
    ['no database any more', Buffer.alloc(4096, 'words')],
    ['cut short', Buffer.concat([Buffer.from('SQLite format 3\0'), Buffer.alloc(3000, 7)])],
  ])('is DAMAGED once it is a staged copy, and named as the backup that it came from: %s', async (_, bytes) => {
    const folder = await temporaryFolder();
    const file = join(folder, 'app.db');
    await writeFile(file, bytes);
    const match = {
      code: 'DAMAGED',
      message: expect.stringContaining('the database in app.db'),
      hint: expect.stringContaining('another backup'),
    };
    await expect(examineCopy(file, folder)).rejects.toMatchObject(match);
    await expect(writeScript(file, ['t'], join(folder, 't.sql'))).rejects.toMatchObject(match);
    const into = makeDatabase(join(folder, 'into.db'), 'CREATE TABLE z(x)');
    await expect(bringTables(file, into, ['t'])).rejects.toMatchObject(match);
  });

  it('is reported when its index disagrees with its rows', async () => {
    const folder = await temporaryFolder();
    const file = makeDatabase(
      join(folder, 'a.db'),
      'CREATE TABLE t(a); CREATE INDEX i ON t(a); INSERT INTO t VALUES (1), (2)',
    );
    const db = new Database(file);
    db.unsafeMode(true);
    db.pragma('writable_schema = ON');
    db.exec(
      "UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema WHERE name = 't') WHERE name = 'i'",
    );
    db.close();
    const { problems, facts } = await examineCopy(file, folder).catch((error: unknown) => ({
      problems: [error],
      facts: undefined,
    }));
    expect(problems.length).toBeGreaterThan(0);
    expect(facts).toBeUndefined();
  });
});

describe('a hostile schema', () => {
  it.each([
    ['garbage', "sql = 'CREATE TABLE t(((('"],
    ['a definition of something else', "sql = 'CREATE TABLE other(x)'"],
    [
      'an endless expression',
      "sql = 'CREATE TABLE t(a CHECK (' || replace(hex(zeroblob(20000)), '00', '(a+') || '1' || replace(hex(zeroblob(20000)), '00', ')') || '))'",
    ],
    ['a computed column that loads code', "sql = 'CREATE TABLE t(a, b AS (load_extension(a)))'"],
    ['a page that is not there', 'rootpage = 4000000'],
    ['a page that is its own schema', 'rootpage = 1'],
  ])('is reported and does no harm: %s', async (_, change) => {
    const { folder, file } = await hostile(`UPDATE sqlite_schema SET ${change} WHERE name = 't'`);
    const outcome = await examineCopy(file, folder).then(
      ({ problems }) => problems,
      (error: unknown) => error,
    );
    expect(outcome).toSatisfy((value) => (Array.isArray(value) ? value.length > 0 : value instanceof DbopsError));
  });

  it.each([
    ['a view of itself', "INSERT INTO sqlite_schema VALUES ('view', 'v', 'v', 0, 'CREATE VIEW v AS SELECT * FROM v')"],
    [
      'a trigger that loads code',
      "INSERT INTO sqlite_schema VALUES ('trigger', 'g', 't', 0, 'CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT load_extension(''/tmp/x.so''); END')",
    ],
  ])('does no harm: %s', async (_, sql) => {
    const { folder, file } = await hostile(sql);
    const { problems, facts } = await examineCopy(file, folder);
    expect(problems).toEqual([]);
    expect(facts?.tables.map(({ name }) => name)).toEqual(['t']);
  });
});

describe('a check', () => {
  it.each([
    ['SELECT 1 WHERE 0', true, 0, undefined],
    ['SELECT * FROM t', false, 3, undefined],
    ['WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n', false, 1000, undefined],
    ['SELEC 1', false, 0, 'near "SELEC": syntax error'],
    ['SELECT * FROM absent', false, 0, 'no such table: absent'],
    ['DELETE FROM t', false, 0, 'it is not a query: write a SELECT'],
    ['INSERT INTO t VALUES (9) RETURNING x', false, 0, 'attempt to write a readonly database'],
    ["ATTACH 'made-by-a-check.db' AS made", false, 0, 'it is not a query: write a SELECT'],
    ["VACUUM INTO 'made-by-a-check.db'", false, 0, 'it is not a query: write a SELECT'],
    ['SELECT 1; SELECT 2', false, 0, 'The supplied SQL string contains more than one statement'],
    ["SELECT load_extension('/tmp/x.so')", false, 0, 'not authorized'],
    ['', false, 0, 'The supplied SQL string contains no statements'],
  ] as const)('says what came of it and writes nothing: %s', async (sql, ok, rows, error) => {
    const folder = await temporaryFolder();
    const file = makeDatabase(join(folder, 'a.db'), 'CREATE TABLE t(x); INSERT INTO t VALUES (1), (2), (3)');
    const names = await readdir(process.cwd());
    const { checks, facts } = await examineCopy(file, folder, [{ name: 'c', sql }]);
    const wanted: CheckResult = error === undefined ? { name: 'c', ok, rows } : { name: 'c', ok, rows, error };
    expect(checks).toEqual([wanted]);
    expect(facts?.tables[0]?.rows).toBe(3);
    expect(await readdir(process.cwd())).toEqual(names);
  });

  it('that never ends is ended by an abort, and its process with it', async () => {
    const folder = await temporaryFolder();
    const file = makeDatabase(join(folder, 'a.db'), 'CREATE TABLE t(x)');
    const stop = new AbortController();
    const others = new Set(await childrenOf(process.pid));
    const scratch = await newScratch(folder);
    await using staging = await sqliteEngine.stage(partOf(file), undefined, {
      scratch,
      signal: stop.signal,
      onProgress: () => undefined,
    });
    const pid = (await childrenOf(process.pid)).find((child) => !others.has(child)) ?? 0;
    const sql = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n WHERE i < 0';
    const examination = staging.examine({ facts: 'rows', checks: [{ name: 'endless', sql }], signal: stop.signal });
    stop.abort(new Error('enough'));
    await expect(examination).rejects.toThrow('enough');
    await staging[Symbol.asyncDispose]();
    expect(await childrenOf(process.pid)).not.toContain(pid);
  });

  it('whose process dies by a signal is an error that says so', async () => {
    const folder = await temporaryFolder();
    const file = makeDatabase(join(folder, 'a.db'), 'CREATE TABLE t(x)');
    const others = new Set(await childrenOf(process.pid));
    const scratch = await newScratch(folder);
    await using staging = await sqliteEngine.stage(partOf(file), undefined, {
      scratch,
      signal: never,
      onProgress: () => undefined,
    });
    const pid = (await childrenOf(process.pid)).find((child) => !others.has(child)) ?? 0;
    const sql = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n WHERE i < 0';
    const request = { facts: 'rows', checks: [{ name: 'endless', sql }], signal: never } as const;
    const examination = staging.examine(request);
    process.kill(pid, 'SIGSEGV');
    const died = { code: 'TOOL_FAILED', message: 'the SQLite process was killed by SIGSEGV' };
    await expect(examination).rejects.toMatchObject(died);
    // And asking a dead one again says the same.
    await expect(staging.examine(request)).rejects.toMatchObject(died);
  });
});

async function hostile(sql: string): Promise<{ folder: string; file: string }> {
  const folder = await temporaryFolder();
  const file = makeDatabase(join(folder, 'hostile.db'), 'CREATE TABLE t(a); INSERT INTO t VALUES (1), (2)');
  const db = new Database(file);
  db.unsafeMode(true);
  db.pragma('writable_schema = ON');
  db.exec(sql);
  db.close();
  return { folder, file };
}

/** Overwrites a few bytes somewhere behind the header. */
async function scribble(file: string, random: () => number): Promise<void> {
  const { length } = await readFile(file);
  await using handle = await open(file, 'r+');
  const bytes = Buffer.from(Array.from({ length: 1 + (random() % 40) }, () => random() & 0xff));
  await handle.write(bytes, 0, bytes.length, 100 + (random() % (length - 200)));
}
