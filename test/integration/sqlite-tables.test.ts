import { readdir, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { bringTables, examineCopy, makePair, query, tableOf } from '../support/sqlite-engine.ts';
import { buildExhibit, museum, restorableOf } from '../support/sqlite-museum.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const schemaOf = (table: string): string =>
  `SELECT type, name, sql FROM sqlite_schema WHERE tbl_name = '${table.replaceAll("'", "''")}' COLLATE NOCASE
   AND sql IS NOT NULL ORDER BY type, name`;

describe('a table restored alone', () => {
  it.each(museum.filter(({ name, restorable }) => restorable?.length !== 0 && !/^pages of (?!512 |65536)/.test(name)))(
    'is the same in a new file: $name',
    async (exhibit) => {
      const folder = await temporaryFolder();
      const [source, into] = [join(folder, 'source.db'), join(folder, 'new.db')];
      buildExhibit(exhibit, source);
      const tables = exhibit.restorable ?? restorableOf(source);
      expect(tables.length).toBeGreaterThan(0);

      const result = await bringTables(source, into, tables);

      const [wanted, found] = [await examineCopy(source, folder), await examineCopy(into, folder)];
      expect(found.problems).toEqual([]);
      for (const table of tables) {
        expect(tableOf(found, table)).toEqual(tableOf(wanted, table));
        expect(query(into, schemaOf(table))).toEqual(query(source, schemaOf(table)));
      }
      expect(result.tables.map(({ name }) => name).toSorted()).toEqual([...tables].toSorted());
      expect(result.kept).toBeUndefined();
      expect((await stat(into)).mode & 0o777).toBe(0o600);
      expect((await readdir(folder)).filter((name) => name.startsWith('new.db'))).toEqual(['new.db']);
    },
  );

  it('goes on counting where AUTOINCREMENT was', async () => {
    const { source, into } = await makePair(
      'CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT); INSERT INTO t VALUES (77); DELETE FROM t',
      'CREATE TABLE other(x)',
    );
    await bringTables(source, into, ['t']);
    const db = new Database(into);
    expect(db.prepare('INSERT INTO t DEFAULT VALUES').run().lastInsertRowid).toBe(78);
    db.close();
  });

  it('is found whatever the case of its name', async () => {
    const { source, into } = await makePair('CREATE TABLE Users(x); INSERT INTO Users VALUES (1)', 'CREATE TABLE z(x)');
    expect((await bringTables(source, into, ['uSERS'])).tables).toEqual([{ name: 'Users', rows: 1 }]);
  });

  it('warns of rows that point to a table which only the backup has', async () => {
    const { source, into } = await makePair(
      `CREATE TABLE parent(id INTEGER PRIMARY KEY); INSERT INTO parent VALUES (1);
       CREATE TABLE child(p INT REFERENCES parent); INSERT INTO child VALUES (1), (1)`,
      'CREATE TABLE z(x)',
    );
    expect((await bringTables(source, into, ['child'])).warnings).toEqual([
      '2 rows of "child" point to nothing in "parent"',
    ]);
  });
});

describe('search indexes', () => {
  it.each([
    'fts5(body, content = "notes")',
    "fts5(body, content='notes', content_rowid=id)",
    'fts4(content=notes, body)',
  ])('over a restored table answer from its new rows: %s', async (kind) => {
    const { source, into } = await makePair(
      "CREATE TABLE notes(id INTEGER PRIMARY KEY, body); INSERT INTO notes VALUES (1, 'fresh')",
      `CREATE TABLE notes(id INTEGER PRIMARY KEY, body); INSERT INTO notes VALUES (1, 'stale');
         CREATE VIRTUAL TABLE found USING ${kind}; INSERT INTO found(found) VALUES ('rebuild')`,
    );
    await bringTables(source, into, ['notes'], true);
    expect(query(into, "SELECT rowid FROM found WHERE found MATCH 'fresh'")).toEqual([[1n]]);
    expect(query(into, "SELECT rowid FROM found WHERE found MATCH 'stale'")).toEqual([]);
  });

  it('restored alone fit the rows that are there', async () => {
    const index = "CREATE VIRTUAL TABLE found USING fts5(body, content='notes')";
    const { source, into } = await makePair(
      `CREATE TABLE notes(body); INSERT INTO notes VALUES ('a'), ('b'); ${index}; INSERT INTO found(found) VALUES ('rebuild')`,
      "CREATE TABLE notes(body); INSERT INTO notes VALUES ('present')",
    );
    await bringTables(source, into, ['found']);
    expect(query(into, "SELECT rowid FROM found WHERE found MATCH 'present'")).toEqual([[1n]]);
  });

  it('are refused without the table they index', async () => {
    const { source, into } = await makePair(
      "CREATE TABLE notes(body); CREATE VIRTUAL TABLE found USING fts5(body, content='notes')",
      'CREATE TABLE z(x)',
    );
    await expect(bringTables(source, into, ['found'])).rejects.toMatchObject({
      code: 'REFUSED',
      message: '"found" indexes "notes", which is not there',
    });
  });
});

describe('a table restore that cannot be', () => {
  const plain = 'CREATE TABLE t(x); CREATE INDEX i ON t(x)';
  it.each([
    ['an unknown table', plain, 'CREATE TABLE z(x)', 'nope', 'NOTHING_MATCHES', 'no table "nope"', 'It has: t.'],
    [
      'the inside of a virtual one',
      'CREATE VIRTUAL TABLE f USING fts5(x)',
      '',
      'f_data',
      'REFUSED',
      'is the inside',
      'virtual table',
    ],
    ['a view of that name', plain, 'CREATE VIEW t AS SELECT 1', 't', 'REFUSED', '"t" is a view there', 'another file'],
    [
      'an index of that name',
      plain,
      'CREATE TABLE z(x); CREATE INDEX t ON z(x)',
      't',
      'REFUSED',
      '"t" is an index there',
      'another',
    ],
    [
      'an index name that is taken',
      plain,
      'CREATE TABLE z(x); CREATE INDEX I ON z(x)',
      't',
      'REFUSED',
      'index "I" of "z"',
      'Rename',
    ],
    ["a table that has its index's name", plain, 'CREATE TABLE i(x)', 't', 'REFUSED', 'table "i"', 'Rename'],
    [
      'another text encoding',
      plain,
      "PRAGMA encoding = 'UTF-16le'; CREATE TABLE z(x)",
      't',
      'REFUSED',
      'text encoding (UTF-16le)',
      '--as-sql',
    ],
    [
      'a missing collation',
      foreign(),
      'CREATE TABLE z(x)',
      't',
      'TOOL_MISSING',
      'no such collation sequence: german',
      'whole backup',
    ],
  ])('says so: %s', async (...row) => {
    const [, from, there, table, code, message, hint] = row;
    const { source, into } = await makePair(
      from.replace(foreign(), 'CREATE TABLE t(x); CREATE INDEX i ON t(x COLLATE nocase)'),
      there,
      (db) => {
        if (from !== foreign()) return;
        db.unsafeMode(true);
        db.pragma('writable_schema = ON');
        db.exec("UPDATE sqlite_schema SET sql = replace(sql, 'nocase', 'german')");
      },
    );
    const before = query(into, 'SELECT * FROM sqlite_schema');
    await expect(bringTables(source, into, [table], true)).rejects.toMatchObject({
      name: 'DbopsError',
      code,
      message: expect.stringContaining(message),
      hint: expect.stringContaining(hint),
    });
    expect(query(into, 'SELECT * FROM sqlite_schema')).toEqual(before);
  });

  it('says that the destination is locked', async () => {
    const { source, into } = await makePair(plain, 'CREATE TABLE z(x)');
    const other = new Database(into);
    other.exec('BEGIN IMMEDIATE');
    await expect(bringTables(source, into, ['t'])).rejects.toMatchObject({
      message: `${into} is locked by another connection`,
    });
    other.close();
  });

  it('says that the destination is no database', async () => {
    const { source, folder } = await makePair(plain, '');
    const into = join(folder, 'text.db');
    await writeFile(into, 'hello, this is no database at all'.repeat(40));
    await expect(bringTables(source, into, ['t'])).rejects.toMatchObject({
      code: 'SOURCE_REFUSED',
      message: /is not an SQLite/,
    });
  });

  it('goes through a symbolic link to the database itself', async () => {
    const { source, into, folder } = await makePair('CREATE TABLE t(x); INSERT INTO t VALUES (3)', 'CREATE TABLE z(x)');
    await symlink(into, join(folder, 'link.db'));
    await bringTables(source, join(folder, 'link.db'), ['t']);
    expect(query(into, 'SELECT * FROM t')).toEqual([[3n]]);
  });
});

function foreign(): string {
  return 'foreign';
}
