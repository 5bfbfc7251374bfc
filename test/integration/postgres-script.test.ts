import { PassThrough, Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { extractTables } from '../../src/engines/postgres/script/extract.ts';
import { inspectScript } from '../../src/engines/postgres/script/inspect.ts';
import { recognisesScript } from '../../src/engines/postgres/script/recognise.ts';
import { guarded } from '../support/guarded.ts';
import { startScriptCluster, type ScriptCluster } from '../support/script-cluster.ts';
import { eventsOf } from '../support/script-events.ts';
import { seededRandom } from '../support/seeded-random.ts';

const odd = '"we ird"."ta""b\n\\! x"';
const schema = `
  CREATE SCHEMA "we ird";
  CREATE TYPE mood AS ENUM ('ok', 'it''s;');
  CREATE TABLE users (id serial PRIMARY KEY, name text NOT NULL, m mood DEFAULT 'ok', raw bytea);
  INSERT INTO users (name) SELECT 'user ' || n FROM generate_series(1, 50) n;
  INSERT INTO users (name) VALUES (E'\\\\! ls'), (E'\\\\.'), (E'a\\n\\\\.\\nb'), (''), ('--'), (E'\\t'), ('it''s;'), ('größe'), ('$$');
  CREATE TABLE ${odd} (id int GENERATED ALWAYS AS IDENTITY, u int REFERENCES users);
  INSERT INTO ${odd} (u) VALUES (1), (2);
  CREATE INDEX ON users (name);
  CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $body$ BEGIN
    /*
COPY x FROM stdin;
\\! ls
    */ RETURN NEW; END $body$;
  CREATE FUNCTION g(a int) RETURNS SETOF int BEGIN ATOMIC
    SELECT CASE WHEN a > 1 THEN 2 ELSE 3 END; SELECT (ARRAY[1, 2])[1:a][1]; END;
  CREATE TRIGGER t BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION f();
  CREATE POLICY p ON users USING (id > 0);
  CREATE RULE r AS ON DELETE TO ${odd} DO INSTEAD (SELECT 1; SELECT 2);
  CREATE TABLE parent (a int, b text) PARTITION BY RANGE (a);
  CREATE TABLE child PARTITION OF parent FOR VALUES FROM (0) TO (10);
  CREATE INDEX ON parent (b);
  INSERT INTO parent VALUES (1, 'x');
  CREATE STATISTICS s ON id, name FROM users;
  COMMENT ON TABLE users IS E'it''s\\n\\\\! ls\\n; "';
  CREATE VIEW v AS SELECT id, CASE WHEN id > 1 THEN name END AS n FROM users;
  CREATE PUBLICATION pub FOR TABLE users;
  SELECT lo_from_bytea(0, '\\x5c2e');`;

let cluster: ScriptCluster;
let dump: string;

beforeAll(async () => {
  cluster = await startScriptCluster();
  cluster.run('createdb', ['shop']);
  cluster.psql('shop', [], schema);
  dump = cluster.run('pg_dump', ['shop']).toString();
});

afterAll(() => cluster.stop());

/** What a table holds, and what hangs on it. */
const contentOf = (database: string, table: string): string =>
  cluster
    .run('pg_dump', ['--table', table, database])
    .toString()
    .replaceAll(/\\(un)?restrict .*/g, '');

const replay = async (database: string, script: string): Promise<void> => {
  const { passed, error } = await guarded(script);
  expect(error).toBeUndefined();
  cluster.run('createdb', ['-T', 'template0', database]);
  cluster.run('psql', ['-Xq1', '-v', 'ON_ERROR_STOP=1', '-d', database, '-f', '-'], Buffer.from(passed, 'latin1'));
};

describe('a dump of pg_dump', () => {
  test.each([
    [[]],
    [['--inserts']],
    [['--inserts', '--rows-per-insert=7', '--column-inserts']],
    [['--clean', '--if-exists']],
    [['--disable-triggers', '--data-only']],
    [['--quote-all-identifiers']],
    [['--schema-only', '--no-owner']],
  ])('with %j is whole, is recognised and passes', async (args) => {
    const script = cluster.run('pg_dump', [...args, 'shop']);
    expect(recognisesScript(script.subarray(0, 512))).toBe(true);
    expect(await inspectScript(Readable.from([script]))).toMatchObject({
      kind: 'pg_dump',
      problems: [],
      warnings: [],
      header: { serverVersion: expect.stringMatching('^15') as string },
    });
    const { passed, error } = await guarded(script, {}, 1000);
    expect(error).toBeUndefined();
    expect(passed).toBe(script.toString('latin1').replaceAll(/\\(un)?restrict .*/g, ''));
  });

  test('has as many rows as the tables', async () => {
    const { tables } = await inspectScript(Readable.from([Buffer.from(dump)]));
    expect(tables.find(({ name }) => name === 'public.users')).toEqual({ name: 'public.users', rows: 59 });
    expect(tables.find(({ name }) => name === odd)?.rows).toBe(2);
  });

  test('is found out at every place it is cut', async () => {
    const bytes = Buffer.from(dump);
    const last = bytes.lastIndexOf('\\unrestrict ') + (/\\unrestrict \S+/.exec(dump)?.[0].length ?? 0);
    const missed: number[] = [];
    for (let length = 0; length < last; length += length > last - 200 ? 1 : 13) {
      const { problems } = await inspectScript(Readable.from([bytes.subarray(0, length)]));
      if (problems.length === 0) missed.push(length);
    }
    expect(missed).toEqual([]);
  });

  test('is restored from what passes, as it was', async () => {
    await replay('copy', dump);
    const again = cluster.run('pg_dump', ['copy']).toString();
    expect(again.replaceAll(/restrict .*/g, '')).toBe(dump.replaceAll(/restrict .*/g, ''));
  });

  test('of a cluster and with --create is whole, and passes where \\connect may', async () => {
    cluster.run('createdb', ["odd 'name\\"]);
    for (const [program, ...args] of [
      ['pg_dumpall'],
      ['pg_dump', '--create', 'shop'],
      ['pg_dumpall', '--globals-only'],
    ]) {
      const script = cluster.run(program ?? '', args);
      expect(await inspectScript(Readable.from([script]))).toMatchObject({ problems: [], warnings: [] });
      expect((await guarded(script, { allowConnect: true }, 999)).error).toBeUndefined();
    }
  });

  test('in Latin-1 passes byte by byte', async () => {
    cluster.run('createdb', ['-T', 'template0', '-E', 'LATIN1', '--locale=C', 'latin']);
    cluster.sql('latin', `CREATE TABLE "größe" (a text); INSERT INTO "größe" VALUES ('ÿä');`);
    const script = cluster.run('pg_dump', ['-E', 'LATIN1', 'latin']);
    const { passed, error } = await guarded(script);
    expect(error).toBeUndefined();
    expect(passed).toContain('ÿä');
    expect((await inspectScript(Readable.from([script]))).tables).toEqual([{ name: 'public."größe"', rows: 1 }]);
  });

  test('keeps functions whole, and takes nothing in them for data', () => {
    const { events } = eventsOf(dump);
    expect(events.filter((event) => /^\d+ S (END|SELECT 2)/.test(event))).toEqual([]);
    expect(
      events.filter((event) => / [Cc] \\/.test(event)).map((event) => event.replace(/^\d+ (. \\\w+).*/, '$1')),
    ).toEqual(['C \\restrict', 'C \\unrestrict']);
  });
});

describe('single tables', () => {
  test('are restored alone, with all that hangs on them', async () => {
    const sink = new PassThrough({ highWaterMark: 1 << 30 });
    const tables = ['users', 'parent', 'child', odd];
    const extraction = await extractTables(Readable.from([Buffer.from(dump)]), [...tables, 'nothing'], sink);
    expect(extraction.missing).toEqual(['nothing']);
    cluster.run('createdb', ['-T', 'template0', 'tables']);
    cluster.sql(
      'tables',
      `CREATE SCHEMA "we ird"; CREATE TYPE mood AS ENUM ('ok', 'it''s;');
      CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';`,
    );
    cluster.sql('tables', String(sink.read()));
    for (const table of tables) expect(contentOf('tables', table)).toBe(contentOf('shop', table));
  });
});

describe('psql and the guard', () => {
  test('agree that a name with a newline hides a command', async () => {
    const hostile = dump.replace('-- Name: users; Type: TABLE;', '-- Name: users\n\\! echo PWNED\n; Type: TABLE;');
    expect(hostile).not.toBe(dump);
    expect((await guarded(hostile)).error?.message).toMatch(/^line \d+: the psql command \\! is not let through$/);
  });

  test('differ in nothing that would run a command', async () => {
    const random = seededRandom(3);
    let run = 0;
    for (let round = 0; round < 150; round++) {
      const script = `${Array.from({ length: 2 + (random() % 14) }, () => pieces[random() % pieces.length]).join('')}\n`;
      const ran = /^PWNED/m.test(cluster.psql('shop', ['-f', '-'], script).stdout);
      if (ran) run++;
      const { error } = await guarded(script);
      if (ran) expect({ script, code: error?.code }).toEqual({ script, code: 'REFUSED' });
    }
    expect(run).toBeGreaterThan(15);
  });

  test("know that the server's last message can hold a command", async () => {
    const script = "DO $$ BEGIN RAISE '\\! echo PWNED\n'; END $$;\nSELECT :LAST_ERROR_MESSAGE;\n";
    expect(cluster.psql('shop', ['-f', '-'], script).stdout).toContain('PWNED');
    expect((await guarded(script)).error).toMatchObject({ code: 'REFUSED' });
  });

  test('restrict more together, by a key of our own', () => {
    const script = 'SELECT 1;\n\\! echo PWNED\n\\unrestrict theirs\n';
    const { stdout } = cluster.psql('shop', ['-c', '\\restrict ours', '-f', '-'], script);
    expect(stdout).toContain('1 row');
    expect(stdout).not.toContain('PWNED');
  });
});

const command = '\\! echo PWNED\n';
const quoting = String.raw`' ' " $$ $a$ $ E' e' U&' '' \' E'\\' -- /* */ \ ( ) ; 1 1a $1 a :x :: * / - é`.split(' ');
const words = [' ', '\n', '\n', '\r', ' BEGIN ', ' END ', ' CREATE FUNCTION '];
const pieces = [...quoting, ...words, command, command, `\n${command}`, `\n${command}`];
