import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../support/seeded-random.ts';
import { examineCopy, makeDatabase, query, tableOf, writeScript } from '../support/sqlite-engine.ts';
import { buildExhibit, museum, restorableOf } from '../support/sqlite-museum.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** The two programs at the ends of what people have: an old sqlite3, and the newest library. */
const readers: readonly [string, (script: string, into: string) => Promise<void>][] = [
  [
    'the sqlite3 program',
    (script, into) => Promise.resolve(void execFileSync('sqlite3', ['-bail', into, `.read "${script}"`])),
  ],
  [
    'the library',
    async (script, into) => {
      const db = new Database(into);
      db.exec(await readFile(script, 'utf8'));
      db.close();
    },
  ],
];

const scriptable = museum.filter(({ restorable, name }) => restorable?.length !== 0 && !name.startsWith('pages of'));
// Its maker leaves this module out.
const lacking = 'polygons';

describe.each(readers)('tables written as SQL and read by %s', (reader, replay) => {
  it.each(scriptable.filter(({ name }) => reader === 'the library' || name !== lacking))(
    'are what they were: $name',
    async (exhibit) => {
      const folder = await temporaryFolder();
      const [source, script, copy] = ['source.db', 'tables.sql', 'copy.db'].map((name) => join(folder, name)) as [
        string,
        string,
        string,
      ];
      buildExhibit(exhibit, source);
      // An index without content holds no words to write.
      const tables = (exhibit.restorable ?? restorableOf(source)).filter((name) => name !== 'nothing');
      await writeScript(source, tables, script);
      await replay(script, copy);
      const [wanted, found] = [await examineCopy(source, folder), await examineCopy(copy, folder)];
      expect(found.problems).toEqual([]);
      for (const table of tables) expect(tableOf(found, table)).toEqual(tableOf(wanted, table));
      const complete = exhibit.restorable === undefined;
      const sequence = complete ? tableOf(wanted, 'sqlite_sequence') : undefined;
      expect(tableOf(found, 'sqlite_sequence')).toEqual(sequence);
    },
  );

  it('keep definitions that end in a comment', async () => {
    const folder = await temporaryFolder();
    const [source, script, copy] = ['source.db', 'tables.sql', 'copy.db'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    const db = new Database(source);
    const definitions = [
      'CREATE TABLE t(a, "b -- c", d) -- a table',
      'CREATE INDEX i ON t(a) -- note',
      'CREATE INDEX j ON t("b -- c")',
      "CREATE INDEX k ON t(a) WHERE a <> '--' /* closed */",
      'CREATE INDEX l ON t(d) /* open',
      'CREATE INDEX m ON t(d) /* shut */ /*/',
      'CREATE INDEX n ON t(d) -- it\'s "so\n',
      "CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT '/*'; END -- note",
    ];
    for (const sql of definitions) db.prepare(sql).run();
    db.exec('INSERT INTO t VALUES (1, 2, 3)');
    db.close();
    await writeScript(source, ['t'], script);
    await replay(script, copy);
    const objects = 'SELECT type, name, tbl_name FROM sqlite_schema ORDER BY name';
    expect(query(copy, objects)).toEqual(query(source, objects));
    expect(query(copy, 'SELECT * FROM t')).toEqual([[1n, 2n, 3n]]);
  });

  it('hold every float to the last bit', async () => {
    const folder = await temporaryFolder();
    const [source, script, copy] = ['source.db', 'tables.sql', 'copy.db'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    const values = floats(20_000);
    const db = new Database(source);
    db.exec('CREATE TABLE f(id INTEGER PRIMARY KEY, v)');
    const insert = db.prepare('INSERT INTO f VALUES (?, ?)');
    db.transaction(() => values.forEach((value, index) => insert.run(index, value)))();
    db.close();
    await writeScript(source, ['f'], script);
    await replay(script, copy);
    const found = query(copy, 'SELECT v FROM f ORDER BY id').flat();
    expect(found.filter((value, index) => !Object.is(value, values[index]))).toEqual([]);
    expect(found.length).toBe(values.length);
  });
});

describe('the script', () => {
  it('has one row a line, and says first where it came from', async () => {
    const folder = await temporaryFolder();
    const source = makeDatabase(
      join(folder, 'source.db'),
      `CREATE TABLE t(id INTEGER PRIMARY KEY, price REAL, name TEXT); INSERT INTO t VALUES (1, 19.99, 'it''s'), (2, 5, NULL);
       CREATE INDEX t_name ON t(name)`,
    );
    const lines = (await writeScript(source, ['t', 't'], join(folder, 't.sql'))).split('\n');
    expect(lines).toEqual([
      '-- from a test',
      '-- replay it with: sqlite3 -bail FILE < THIS',
      'PRAGMA foreign_keys = OFF;',
      'PRAGMA ignore_check_constraints = ON;',
      'BEGIN;',
      '',
      'CREATE TABLE t(id INTEGER PRIMARY KEY, price REAL, name TEXT);',
      `INSERT INTO "t"("id", "price", "name") VALUES(1, 19.99, 'it''s');`,
      'INSERT INTO "t"("id", "price", "name") VALUES(2, 5.0, NULL);',
      'CREATE INDEX t_name ON t(name);',
      'COMMIT;',
      'PRAGMA ignore_check_constraints = OFF;',
      '',
    ]);
  });

  it('changes nothing when it is replayed as it says and a statement fails', async () => {
    const folder = await temporaryFolder();
    const source = makeDatabase(
      join(folder, 'source.db'),
      'CREATE TABLE a(x); INSERT INTO a VALUES (1); CREATE TABLE b(x)',
    );
    const into = makeDatabase(join(folder, 'into.db'), 'CREATE TABLE b(y)');
    const [, advice = ''] = (await writeScript(source, ['a', 'b'], join(folder, 't.sql'))).split('\n');
    const command = advice.replace(/^.*: /, '').replace('FILE', 'into.db').replace('THIS', 't.sql');
    expect(() => execFileSync('sh', ['-c', command], { cwd: folder, stdio: 'pipe' })).toThrow('table b already exists');
    expect(query(into, 'SELECT name FROM sqlite_schema')).toEqual([['b']]);
  });

  it('never replaces a file', async () => {
    const folder = await temporaryFolder();
    const source = makeDatabase(join(folder, 'source.db'), 'CREATE TABLE t(x)');
    const script = join(folder, 't.sql');
    await writeScript(source, ['t'], script);
    await expect(writeScript(source, ['t'], script)).rejects.toMatchObject({ code: 'REFUSED' });
  });

  it('is not written for an index that holds no content', async () => {
    const folder = await temporaryFolder();
    const source = makeDatabase(join(folder, 'source.db'), "CREATE VIRTUAL TABLE f USING fts5(x, content='')");
    await expect(writeScript(source, ['f'], join(folder, 'f.sql'))).rejects.toMatchObject({
      code: 'REFUSED',
      message: '"f" keeps no content that could be written as SQL',
    });
  });
});

/** Every kind of float: any bits at all, short decimals, results of arithmetic, whole numbers, and the edges. */
function floats(count: number): number[] {
  const random = seededRandom(20_261_120);
  const kinds = [
    () => fromBits(random(), random()),
    () => Math.trunc(random() / 1000) / 10 ** (random() % 12),
    () => (random() / 2 ** 32) * 10 ** ((random() % 40) - 20),
    () => random() * 2 ** (random() % 900),
    () => fromBits(random() & 0x000f_ffff, random()),
    () => 0.1 * (random() % 1000),
    () => (random() % 2 === 0 ? 1 : -1) * 10 ** ((random() % 600) - 300),
  ];
  const edges = [
    0,
    -0,
    1,
    -1,
    5e-324,
    -5e-324,
    Number.MAX_VALUE,
    Number.MIN_VALUE,
    2 ** 53,
    2 ** 53 + 2,
    2 ** 63,
    -(2 ** 63),
  ];
  const more = [2 ** 64, 1e15, 1e16, 1e17, 1e21, 1e22, 1e23, 2.2250738585072014e-308, 0.1 + 0.2, Infinity, -Infinity];
  const drawn = Array.from({ length: count }, (_, index) => kinds[index % kinds.length]?.() ?? 0);
  return [...edges, ...more, ...drawn.filter((value) => !Number.isNaN(value))];
}

function fromBits(high: number, low: number): number {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32BE(high >>> 0, 0);
  bytes.writeUInt32BE(low >>> 0, 4);
  return bytes.readDoubleBE();
}
