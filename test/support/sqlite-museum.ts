import Database from 'better-sqlite3';

/** Databases of every kind that a stranger may bring, each as the SQL that makes it. */
export interface Exhibit {
  readonly name: string;
  readonly sql: string;
  /** What plain SQL cannot do. */
  readonly fill?: (db: Database.Database) => void;
  /** Table to restore alone, when not all of them can be. */
  readonly restorable?: readonly string[];
  /** Not everything in it can be read here: the application has extensions that dbops does not have. */
  readonly foreign?: true;
  /** Something about it is worth a warning. */
  readonly warned?: true;
}

const words = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200)`;

const kinds: readonly Exhibit[] = [
  {
    name: 'without rowid, strict, composite keys',
    sql: `CREATE TABLE w(a TEXT, b INT, c, PRIMARY KEY(b, a)) WITHOUT ROWID;
          ${words} INSERT INTO w SELECT 'k' || i, i % 7, i * 1.5 FROM n;
          CREATE TABLE s(id INTEGER PRIMARY KEY, a ANY, t TEXT NOT NULL, r REAL, b BLOB) STRICT;
          INSERT INTO s VALUES (1, '007', 'x', 1, x'00'), (2, 7, '', -0.5, x''), (3, NULL, 'y', NULL, NULL);
          CREATE TABLE d(id INTEGER PRIMARY KEY DESC, v); INSERT INTO d VALUES (1, 'a'), (5, 'b');`,
  },
  {
    name: 'values of every type',
    sql: `CREATE TABLE v(a, i INTEGER, t TEXT, r REAL, n NUMERIC, b BLOB);
          INSERT INTO v VALUES (NULL, NULL, NULL, NULL, NULL, NULL), ('', 0, '', 0.0, '', x''),
            (9223372036854775807, -9223372036854775808, '9223372036854775808', 1e308, 4.9e-324, x'00ff'),
            (9e999, -9e999, 'a' || char(0) || 'b', 2.0, 1e21, zeroblob(5000)), (-0.0, 1, 'é€😀', 0.1, '1e5x', 'text'),
            ('12', 12, 12, 12, '12', '12'), (x'3132', x'3132', x'3132', x'3132', x'3132', x'3132');`,
  },
  {
    name: 'full-text search with own, outside and no content',
    sql: `CREATE TABLE notes(id INTEGER PRIMARY KEY, title, body);
          ${words} INSERT INTO notes SELECT i, 'note ' || i, 'words of ' || i || ' and more' FROM n;
          CREATE VIRTUAL TABLE own USING fts5(title, body, tokenize = 'porter'); INSERT INTO own SELECT title, body FROM notes;
          CREATE VIRTUAL TABLE outside USING fts5(title, body, content = "notes", content_rowid = 'id');
          INSERT INTO outside(outside) VALUES ('rebuild');
          CREATE VIRTUAL TABLE "nothing" USING fts5(body, content = ''); INSERT INTO "nothing"(rowid, body) SELECT id, body FROM notes;
          CREATE VIRTUAL TABLE vocabulary USING fts5vocab(own, row);
          CREATE TRIGGER notes_ai AFTER INSERT ON NOTES BEGIN
            INSERT INTO outside(rowid, title, body) VALUES (new.id, new.title, new.body); END;`,
    restorable: ['notes', 'own', 'outside', 'nothing'],
  },
  {
    name: 'full-text search of the fourth version',
    sql: `CREATE VIRTUAL TABLE four USING fts4(title, body); INSERT INTO four VALUES ('a', 'b c'), ('d', 'e f');
          CREATE TABLE pages(id INTEGER PRIMARY KEY, body); INSERT INTO pages VALUES (1, 'one two'), (2, 'three');
          CREATE VIRTUAL TABLE four_pages USING fts4(content=pages, body);
          INSERT INTO four_pages(four_pages) VALUES ('rebuild');`,
  },
  {
    name: 'virtual tables whose names begin alike',
    sql: `CREATE VIRTUAL TABLE a USING fts5(x); INSERT INTO a VALUES ('one');
          CREATE VIRTUAL TABLE a_b USING fts5(x); INSERT INTO a_b VALUES ('two'), ('three');`,
  },
  {
    name: 'r*trees and polygons',
    sql: `CREATE VIRTUAL TABLE boxes USING rtree(id, x0, x1, y0, y1, +label);
          ${words} INSERT INTO boxes SELECT i, i, i + 1.25, -i, i * 2, 'box ' || i FROM n;
          CREATE VIRTUAL TABLE whole USING rtree_i32(id, a, b); INSERT INTO whole VALUES (7, -5, 9);`,
  },
  {
    name: 'polygons',
    sql: `CREATE VIRTUAL TABLE shapes USING geopoly(name);
          INSERT INTO shapes(_shape, name) VALUES ('[[0,0],[1,0],[0,1],[0,0]]', 'corner');`,
  },
  {
    name: 'rows older than the rules of their table',
    sql: `CREATE TABLE ruled(a INT); INSERT INTO ruled VALUES (NULL), (1); CREATE TABLE checked(a); INSERT INTO checked VALUES (-1);`,
    fill: (db) => {
      db.unsafeMode(true);
      db.pragma('writable_schema = ON');
      db.exec("UPDATE sqlite_schema SET sql = 'CREATE TABLE ruled(a INT NOT NULL)' WHERE name = 'ruled'");
      db.exec("UPDATE sqlite_schema SET sql = 'CREATE TABLE checked(a CHECK (a > 0))' WHERE name = 'checked'");
    },
    restorable: ['checked'],
    warned: true,
  },
  {
    name: 'a search index whose table is gone, and a column that cannot be computed',
    sql: `CREATE TABLE gone(body); CREATE VIRTUAL TABLE orphan USING fts5(body, content = 'gone'); DROP TABLE gone;
          CREATE TABLE computed(j, v AS (lower(j))); INSERT INTO computed VALUES ('{"v":1}'), ('{broken');`,
    fill: (db) => {
      db.unsafeMode(true);
      db.pragma('writable_schema = ON');
      db.exec("UPDATE sqlite_schema SET sql = replace(sql, 'lower(j)', 'json_extract(j, ''$.v'')')");
    },
    restorable: [],
    foreign: true,
    warned: true,
  },
  {
    name: 'generated columns, views, triggers, partial and expression indexes',
    sql: `CREATE TABLE g(id INTEGER PRIMARY KEY, a INT, v INT AS (a * 2), s TEXT GENERATED ALWAYS AS ('<' || a || '>') STORED,
            CHECK (a < 1000));
          ${words} INSERT INTO g(id, a) SELECT i, i * 3 FROM n;
          CREATE INDEX g_partial ON g(a) WHERE a > 10; CREATE UNIQUE INDEX g_expression ON g(a + 1, s COLLATE NOCASE DESC);
          CREATE VIEW seen AS SELECT id, s FROM g WHERE v > 5;
          CREATE TABLE log(what TEXT);
          CREATE TRIGGER g_ai AFTER INSERT ON G BEGIN INSERT INTO log VALUES ('new ' || new.id); END;
          CREATE TRIGGER seen_ii INSTEAD OF INSERT ON seen BEGIN INSERT INTO g(a) VALUES (new.id); END;`,
  },
  {
    name: 'odd identifiers',
    sql: `CREATE TABLE "select"("" , "a ""b""", "with space", "new
line", "😀", "group"); INSERT INTO "select" VALUES (1, 2, 3, 4, 5, 6);
          CREATE INDEX "in'dex" ON "select"("😀"); CREATE TABLE "-dash"(x); INSERT INTO "-dash" VALUES (1);
          CREATE TABLE "two
lines"(x PRIMARY KEY, rowid, oid); INSERT INTO "two
lines" VALUES (1, 2, 3);
          CREATE TABLE "dbops_backup"(x); INSERT INTO dbops_backup VALUES ('mine'); CREATE TABLE main(x); INSERT INTO main VALUES (1);
          CREATE TABLE sqliteish(x); INSERT INTO sqliteish VALUES (1); CREATE TABLE "'quoted'"(x); INSERT INTO "'quoted'" VALUES (3);
          CREATE TABLE "a.b;c--d/*"(x); INSERT INTO "a.b;c--d/*" VALUES (4); CREATE TABLE [br]]("x]y" TEXT);
          CREATE TABLE Ünï("ÄÖ" COLLATE NOCASE); INSERT INTO Ünï VALUES ('ä'), ('Ä');`.replace('[br]]', '[br]'),
  },
  {
    name: 'foreign keys of every shape',
    sql: `CREATE TABLE tree(id INTEGER PRIMARY KEY, up INT REFERENCES tree(id) ON DELETE CASCADE);
          INSERT INTO tree VALUES (1, NULL), (2, 1), (3, 3);
          CREATE TABLE ring_a(id INTEGER PRIMARY KEY, b INT REFERENCES ring_b DEFERRABLE INITIALLY DEFERRED);
          CREATE TABLE ring_b(id INTEGER PRIMARY KEY, a INT REFERENCES ring_a(id) DEFERRABLE INITIALLY DEFERRED);
          PRAGMA foreign_keys = OFF; INSERT INTO ring_a VALUES (1, 2); INSERT INTO ring_b VALUES (2, 1);
          CREATE TABLE pair(a, b COLLATE NOCASE, PRIMARY KEY(a, b)) WITHOUT ROWID; INSERT INTO pair VALUES ('x', 'Y');
          CREATE TABLE child(a, b, FOREIGN KEY(a, b) REFERENCES pair(a, b) ON UPDATE CASCADE); INSERT INTO child VALUES ('x', 'y');`,
  },
  {
    name: 'autoincrement far beyond the last row',
    sql: `CREATE TABLE auto(id INTEGER PRIMARY KEY AUTOINCREMENT, v); INSERT INTO auto VALUES (9007199254740995, 'x'), (3, 'y');
          DELETE FROM auto WHERE id > 3; CREATE TABLE never(id INTEGER PRIMARY KEY AUTOINCREMENT);
          ANALYZE; PRAGMA user_version = -7; PRAGMA application_id = 1179011410;`,
  },
  { name: 'no tables at all', sql: 'PRAGMA user_version = 42; VACUUM;', restorable: [] },
  {
    name: 'as many columns as a table may have',
    sql: '',
    fill: (db) => {
      const columns = Array.from({ length: 2000 }, (_, index) => `c${index}`);
      db.exec(`CREATE TABLE wide(${columns.join(', ')})`);
      db.prepare(
        `INSERT INTO wide VALUES (${columns.map((_, index) => (index % 3 ? `'${index}'` : String(index))).join(', ')})`,
      ).run();
    },
  },
  {
    name: 'texts that are none',
    sql: `CREATE TABLE broken(t TEXT); INSERT INTO broken VALUES (CAST(x'ff00fe' AS TEXT)), (CAST(x'c080' AS TEXT)), ('\uFFFD'),
            ('a' || char(13, 10) || 'b' || char(13)), ('<NUL>' || char(0) || '<CR>' || char(13) || char(0, 0)), ('it''s');`,
  },
  {
    name: 'things of the application that dbops does not have',
    sql: `CREATE TABLE plain(x); INSERT INTO plain VALUES (1), (2);`,
    fill: (db) => {
      db.unsafeMode(true);
      db.pragma('writable_schema = ON');
      const add = db.prepare('INSERT INTO sqlite_schema VALUES (?, ?, ?, ?, ?)');
      add.run('table', 'alien', 'alien', 0, 'CREATE VIRTUAL TABLE alien USING vec0(embedding float[3])');
      db.exec('CREATE TABLE named(t COLLATE NOCASE); INSERT INTO named VALUES (1); CREATE INDEX named_t ON named(t);');
      db.exec('CREATE TABLE judged(a INT CHECK (abs(a) >= 0)); INSERT INTO judged VALUES (5);');
      db.exec("UPDATE sqlite_schema SET sql = replace(sql, 'NOCASE', 'german') WHERE tbl_name = 'named'");
      db.exec("UPDATE sqlite_schema SET sql = replace(sql, 'abs(', 'mine(') WHERE tbl_name = 'judged'");
    },
    restorable: ['plain'],
    foreign: true,
    warned: true,
  },
];

const shapes: readonly Exhibit[] = [512, 1024, 2048, 8192, 16_384, 32_768, 65_536].map((size) => ({
  name: `pages of ${size} bytes`,
  sql: `PRAGMA page_size = ${size}; CREATE TABLE t(id INTEGER PRIMARY KEY, b BLOB); CREATE INDEX t_b ON t(b);
        ${words} INSERT INTO t SELECT i, zeroblob(i * 10) FROM n;`,
}));

const encodings: readonly Exhibit[] = ['UTF-16le', 'UTF-16be'].map((encoding) => ({
  name: `text in ${encoding}`,
  sql: `PRAGMA encoding = '${encoding}'; CREATE TABLE t(a TEXT COLLATE NOCASE, b); CREATE INDEX t_a ON t(a);
        INSERT INTO t VALUES ('é€😀', 1), ('\uFFFD', 2), ('x' || char(0) || 'y', 3), ('', 4), ('it''s' || char(13, 10), x'd800'),
          (CAST(x'00d8' AS TEXT), 5), (CAST(x'41' AS TEXT), 6), (CAST(x'00dc4100' AS TEXT), 7);`,
}));

const vacuums: readonly Exhibit[] = ['FULL', 'INCREMENTAL'].map((mode) => ({
  name: `auto_vacuum ${mode}`,
  sql: `PRAGMA auto_vacuum = ${mode}; CREATE TABLE t(b); ${words} INSERT INTO t SELECT zeroblob(9000) FROM n;
        DELETE FROM t WHERE rowid % 3 = 0;`,
}));

const many: Exhibit = {
  name: 'two thousand tables',
  sql: '',
  fill: (db) => {
    const make = db.transaction(() => {
      for (let i = 0; i < 2000; i++) db.exec(`CREATE TABLE t${i}(a); INSERT INTO t${i} VALUES (${i})`);
    });
    make();
  },
  restorable: ['t7', 't1999'],
};

export const museum: readonly Exhibit[] = [...kinds, ...shapes, ...encodings, ...vacuums, many];

export function exhibitNamed(beginning: string): Exhibit {
  const found = museum.find(({ name }) => name.startsWith(beginning));
  if (found === undefined) throw new Error(`no exhibit ${beginning}`);
  return found;
}

/** Makes the database as a new file. */
export function buildExhibit(exhibit: Exhibit, file: string): void {
  const db = new Database(file);
  try {
    db.exec(exhibit.sql);
    exhibit.fill?.(db);
  } finally {
    db.close();
  }
}

/** Names of all tables that can be restored one by one. */
export function restorableOf(file: string): string[] {
  const db = new Database(file, { readonly: true });
  try {
    const rows = db.pragma('main.table_list') as readonly { name: string; type: string }[];
    return rows
      .filter(({ name, type }) => (type === 'table' || type === 'virtual') && !name.startsWith('sqlite_'))
      .map(({ name }) => name);
  } finally {
    db.close();
  }
}
