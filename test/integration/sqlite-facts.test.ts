import { execFileSync } from 'node:child_process';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { compareFacts, type Facts } from '../../src/core/facts.ts';
import { readFacts } from '../../src/engines/sqlite/jobs/facts.ts';
import { foreignKeyWarnings } from '../../src/engines/sqlite/jobs/foreign-keys.ts';
import { seededRandom } from '../support/seeded-random.ts';
import { makeDatabase } from '../support/sqlite-engine.ts';
import { buildExhibit, museum } from '../support/sqlite-museum.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

describe('facts', () => {
  it.each(museum.filter(({ foreign }) => !foreign))(
    'are the same after VACUUM by another SQLite: $name',
    async (exhibit) => {
      const file = join(await temporaryFolder(), 'a.db');
      buildExhibit(exhibit, file);
      const before = factsOf(file);
      // That program lacks the module of the polygons; the library stands in for it there.
      if (exhibit.name === 'polygons') makeDatabase(file, 'VACUUM');
      else execFileSync('sqlite3', [file, 'VACUUM']);
      expect(compareFacts(before, factsOf(file))).toEqual([]);
    },
  );

  it('do not depend on the order of rows', () => {
    const insert = (rows: readonly string[]): string =>
      `CREATE TABLE t(a, b); ${rows.map((row) => `INSERT INTO t VALUES ${row};`).join('')}`;
    const rows = ["(1, 'x')", "(2, 'y')", "(1, 'x')", '(NULL, NULL)'];
    expect(contentOf(insert(rows))).toBe(contentOf(insert(rows.toReversed())));
  });

  it('differ for any two values that are not the same to the last bit', () => {
    const values = [
      'NULL',
      '0',
      '1',
      '-1',
      '0.0',
      '-0.0',
      '1.0',
      "''",
      "'0'",
      "'1'",
      "'1.0'",
      "x''",
      "x'30'",
      "x'31'",
      "'a'",
      "'A'",
      "'a '",
      "'a' || char(0)",
      "'a' || char(0) || 'b'",
      "'ä'",
      "'a\u0308'",
      "CAST(x'ff' AS TEXT)",
      "CAST(x'fe' AS TEXT)",
      "'\uFFFD'",
      '9223372036854775807',
      '9223372036854775806',
      '-9223372036854775808',
      '-9223372036854775807',
      '9223372036854775807.0',
      '9007199254740992',
      '9007199254740993',
      '9007199254740992.0',
      '0.1',
      '0.1 + 2.7755575615628914e-17',
      '9e999',
      '-9e999',
      '4.9e-324',
      "x'00'",
      "x'0000'",
    ];
    const digests = values.map((value) => contentOf(`CREATE TABLE t(v); INSERT INTO t VALUES (${value})`));
    expect(digests.map((digest) => values[digests.indexOf(digest)])).toEqual(values);
  });

  it('differ when a value moves to another column, a row is doubled, or two rows trade values', () => {
    const digests = [
      "(1, '', 'ab'), (2, 'x', 'y')",
      "(1, 'ab', ''), (2, 'x', 'y')",
      "(1, 'a', 'b'), (2, 'x', 'y')",
      "(1, 'x', 'ab'), (2, '', 'y')",
      "(1, '', 'ab'), (2, 'x', 'y'), (2, 'x', 'y')",
      "(1, '', 'ab'), (1, '', 'ab')",
      "(2, 'x', 'y'), (2, 'x', 'y')",
    ].map((rows) => contentOf(`CREATE TABLE t(i, a, b); INSERT INTO t VALUES ${rows}`));
    expect(new Set(digests).size).toBe(digests.length);
  });

  it('change with every single changed value, and name its table alone', async () => {
    const random = seededRandom(7);
    const folder = await temporaryFolder();
    const file = makeDatabase(
      join(folder, 'a.db'),
      `CREATE TABLE one(id INTEGER PRIMARY KEY, v); CREATE TABLE two(id INTEGER PRIMARY KEY, v);
       WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50) INSERT INTO one SELECT i, i FROM n;
       INSERT INTO two SELECT id, v FROM one`,
    );
    const before = factsOf(file);
    const values = ["'text'", "x'00'", 'NULL', '1e100', '-9223372036854775808', "'7'", '7.5'];
    for (let round = 0; round < 60; round++) {
      const copy = join(folder, `${round}.db`);
      await copyFile(file, copy);
      const table = random() % 2 === 0 ? 'one' : 'two';
      makeDatabase(
        copy,
        `UPDATE ${table} SET v = ${values[random() % values.length] ?? 'NULL'} WHERE id = ${1 + (random() % 50)}`,
      );
      expect(compareFacts(before, factsOf(copy))).toEqual([
        `table "${table}" has other content than what was backed up`,
      ]);
    }
  });

  it('are the same for the widest table as for narrow ones, value for value', () => {
    const wide = (last: string): string =>
      `CREATE TABLE t(${Array.from({ length: 1500 }, (_, index) => `c${index}`).join(', ')}); INSERT INTO t(c0, c1499) VALUES ('a', ${last})`;
    const values = ['1', '1.0', "'1'", "x'31'", 'NULL', "''", "x''"];
    expect(new Set(values.map((value) => contentOf(wide(value)))).size).toBe(values.length);
  });
});

describe('the quick foreign key check', () => {
  it('warns of exactly what SQLite reports, on random schemas and rows', () => {
    const random = seededRandom(2026);
    let sound = 0;
    for (let round = 0; round < 400; round++) {
      const db = new Database(':memory:');
      const sql = randomFamily(random);
      db.exec(sql);
      const found = foreignKeyWarnings(db);
      expect([sql, ...found]).toEqual([sql, ...reported(db)]);
      if (found.length === 0) sound += 1;
      db.close();
    }
    // Both answers were asked for.
    expect(sound).toBeGreaterThan(40);
    expect(sound).toBeLessThan(360);
  });

  it('is not misled by a NULL among keys that are not the rowid', () => {
    const db = new Database(':memory:');
    db.exec(`PRAGMA foreign_keys = OFF; CREATE TABLE p(id INTEGER PRIMARY KEY DESC); INSERT INTO p VALUES (NULL), (1);
             CREATE TABLE c(p REFERENCES p); INSERT INTO c VALUES (1), (2)`);
    expect(foreignKeyWarnings(db)).toEqual(['1 row of "c" point to nothing in "p"']);
    db.close();
  });
});

function factsOf(file: string): Facts {
  const db = new Database(file, { readonly: true });
  try {
    return readFacts(db, 'content').facts;
  } finally {
    db.close();
  }
}

function contentOf(sql: string): string | undefined {
  const db = new Database(':memory:');
  db.exec(sql);
  const [table] = readFacts(db, 'content').facts.tables;
  db.close();
  return table?.content;
}

function randomFamily(random: () => number): string {
  const pick = (choices: readonly string[]): string => choices[random() % choices.length] ?? '';
  const value = (): string => pick(['1', '2', '3', '1', '2', '3', 'NULL', "'1'", "'x'", '2.0', '2.5', "x'31'"]);
  const parent = pick([
    'CREATE TABLE p(id INTEGER PRIMARY KEY, v);',
    'CREATE TABLE p(id INTEGER PRIMARY KEY DESC, v);',
    'CREATE TABLE p(id INT PRIMARY KEY, v);',
    'CREATE TABLE p(id TEXT PRIMARY KEY, v) WITHOUT ROWID;',
    'CREATE TABLE p(id INTEGER PRIMARY KEY, v) WITHOUT ROWID;',
    'CREATE TABLE p(id, v, PRIMARY KEY(id, v));',
    'CREATE TABLE p(x, id UNIQUE);',
    'CREATE TABLE p(id, v);',
    'CREATE VIEW p AS SELECT 1 AS id, 2 AS v;',
    '',
  ]);
  const child = pick([
    'CREATE TABLE c(a REFERENCES p, b);',
    'CREATE TABLE c(a TEXT REFERENCES p(id), b);',
    'CREATE TABLE c(a INT REFERENCES p(ID), b);',
    'CREATE TABLE c(a REAL REFERENCES p(id), b REFERENCES c(a));',
    'CREATE TABLE c(a INTEGER PRIMARY KEY REFERENCES p, b);',
    'CREATE TABLE c(a, b, FOREIGN KEY(a, b) REFERENCES p);',
    'CREATE TABLE c(a INT REFERENCES p, b INT REFERENCES p(id));',
  ]);
  const parents = [1, 2, 3].map(
    () => `INSERT OR IGNORE INTO p SELECT ${value()}, ${value()} WHERE ${random() % 5} > 0;`,
  );
  const children = [1, 2].map(() => `INSERT OR IGNORE INTO c SELECT ${value()}, ${value()} WHERE ${random() % 3} > 0;`);
  const filled = parent.startsWith('CREATE TABLE') ? parents.join('') : '';
  // A key that must be a whole number refuses some of the values; then the table stays without that row.
  const typed = /INTEGER PRIMARY KEY/.test(parent + child)
    ? (sql: string) => sql.replace(/'x'|2\.5|x'31'/g, '9')
    : (sql: string) => sql;
  return `PRAGMA foreign_keys = OFF; ${parent} ${child} ${typed(filled)} ${typed(children.join(''))}`;
}

/** The same lines, made from the rows of SQLite's own check of each table. */
function reported(db: Database.Database): string[] {
  const tables = db
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
    .pluck()
    .all() as string[];
  return tables.flatMap((table) => {
    try {
      const rows = db.pragma(`foreign_key_check(${table})`) as readonly { parent: string }[];
      return [...Map.groupBy(rows, ({ parent }) => parent)].map(
        ([parent, group]) =>
          `${group.length} ${group.length === 1 ? 'row' : 'rows'} of "${table}" point to nothing in "${parent}"`,
      );
    } catch (error) {
      return [`foreign keys of "${table}" cannot be checked: ${(error as Error).message}`];
    }
  });
}
