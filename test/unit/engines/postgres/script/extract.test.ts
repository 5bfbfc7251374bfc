import { PassThrough, Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { extractTables, type Extraction } from '../../../../../src/engines/postgres/script/extract.ts';

interface Extracted extends Extraction {
  readonly text: string;
}

async function extract(script: string, tables: readonly string[], size = 1000): Promise<Extracted> {
  const bytes = Buffer.from(script);
  const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) =>
    bytes.subarray(at * size, (at + 1) * size),
  );
  const sink = new PassThrough({ highWaterMark: 1 << 30 });
  const extraction = await extractTables(Readable.from(pieces), tables, sink);
  return { ...extraction, text: String(sink.read() ?? '') };
}

const settings = "SET standard_conforming_strings = on;\nSELECT pg_catalog.set_config('search_path', '', false);\n";

describe('of one table', () => {
  test.each([
    'CREATE TABLE public.a (id int);',
    'CREATE UNLOGGED TABLE IF NOT EXISTS public.a (id int);',
    'CREATE FOREIGN TABLE public.a (id int) SERVER s;',
    'CREATE TABLE "public".a PARTITION OF public.b FOR VALUES IN (1);',
    'ALTER TABLE ONLY public.a ADD CONSTRAINT a_pkey PRIMARY KEY (id);',
    'ALTER TABLE IF EXISTS public.a OWNER TO me;',
    'ALTER TABLE ONLY public.a\n    ADD CONSTRAINT f FOREIGN KEY (b) REFERENCES public.b(id);',
    'COPY public.a (id) FROM stdin;\n1\n\\.',
    "INSERT INTO public.a VALUES (1, ';');",
    'CREATE UNIQUE INDEX CONCURRENTLY i ON ONLY public.a USING btree (id);',
    'CREATE INDEX ON public.a (id);',
    'CREATE CONSTRAINT TRIGGER t AFTER UPDATE OF id ON public.a FOR EACH ROW EXECUTE FUNCTION public.b();',
    'CREATE OR REPLACE TRIGGER t BEFORE INSERT ON public.a EXECUTE FUNCTION public.b();',
    'CREATE RULE r AS ON DELETE TO public.a DO INSTEAD (DELETE FROM public.b; SELECT 1);',
    'CREATE POLICY p ON public.a USING (true);',
    'CREATE STATISTICS public.s (ndistinct) ON id, x FROM public.a;',
    "COMMENT ON TABLE public.a IS 'x';",
    "COMMENT ON COLUMN public.a.id IS 'x';",
    "COMMENT ON CONSTRAINT c ON public.a IS 'x';",
    "COMMENT ON TRIGGER t ON public.a IS 'x';",
    "COMMENT ON POLICY p ON public.a IS 'x';",
    "SECURITY LABEL FOR p ON TABLE public.a IS 'x';",
    'GRANT SELECT,INSERT ON TABLE public.a TO PUBLIC;',
    'REVOKE ALL ON public.a FROM me;',
  ])('%s', async (statement) => {
    const other = statement.replaceAll(/public"?\.a\b/g, (name) => name.replace('.a', '.z')).replace('1\n', '2\n');
    const more = `${settings}-- Name: a; Type: TABLE\n${other}\n${statement}\n${other}\n`;
    const { text } = await extract(`${more}CREATE TABLE public.aa (a int);\n`, ['public.a']);
    expect(text).toBe(`${settings}${statement}\n`);
  });

  test.each([
    'DROP TABLE public.a;',
    'ALTER TABLE public.a DROP CONSTRAINT c;',
    'CREATE VIEW public.v AS SELECT * FROM public.a;',
    'CREATE FUNCTION f() RETURNS int BEGIN ATOMIC INSERT INTO public.a VALUES (1); END;',
    'ALTER PUBLICATION p ADD TABLE ONLY public.a;',
    "COMMENT ON DATABASE a IS 'x';",
    'GRANT USAGE ON SCHEMA a TO me;',
    'TRUNCATE public.a;',
    'BEGIN;',
    '-- CREATE TABLE public.a (b int);',
    "SELECT 'CREATE TABLE public.a (b int);';",
  ])('nothing: %s', async (statement) => {
    const { text } = await extract(`${settings}${statement}\n`, ['a']);
    expect(text).toBe(settings);
  });
});

describe('sequences', () => {
  const sequence = 'CREATE SEQUENCE public.s START WITH 1;\nALTER TABLE public.s OWNER TO me;\n';

  test('come with the table that owns them, before it is said', async () => {
    const end =
      "ALTER SEQUENCE public.s OWNED BY public.a.id;\nSELECT pg_catalog.setval('public.s', 3, true);\nGRANT ALL ON SEQUENCE public.s TO me;\n";
    const script = `${sequence}CREATE SEQUENCE public.other;\nCREATE TABLE public.a (id int);\n${end}SELECT pg_catalog.setval('public.other', 3, true);\n`;
    for (const size of [1, 1000]) {
      expect((await extract(script, ['a'], size)).text).toBe(`CREATE TABLE public.a (id int);\n${sequence}${end}`);
    }
    expect((await extract(script, ['b'])).text).toBe('');
  });

  test('come with a default that takes from them', async () => {
    const table =
      "CREATE TABLE public.a (id int DEFAULT nextval('public.s'::regclass));\nSELECT setval('public.s', 1, false);\n";
    expect((await extract(sequence + table, ['a'])).text).toBe(sequence + table);
  });

  test('of identity columns keep their value', async () => {
    const script = `ALTER TABLE public.a ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (\n    SEQUENCE NAME public."S 1"\n);\nSELECT pg_catalog.setval('public."S 1"', 7, true);\n`;
    expect((await extract(script, ['a'])).text).toBe(script);
  });
});

test('parts are attached when both sides are chosen', async () => {
  const tables = 'CREATE TABLE public.p (a int) PARTITION BY RANGE (a);\nCREATE TABLE public.c (a int);\n';
  const attach = 'ALTER TABLE ONLY public.p ATTACH PARTITION public.c FOR VALUES FROM (0) TO (1);\n';
  const indexes = 'CREATE INDEX pi ON ONLY public.p (a);\nCREATE INDEX ci ON public.c (a);\n';
  const script = `${tables}${attach}${indexes}ALTER INDEX public.pi ATTACH PARTITION public.ci;\n`;
  expect((await extract(script, ['p', 'c'])).text).toBe(script);
  expect((await extract(script, ['c'])).text).toBe(
    'CREATE TABLE public.c (a int);\nCREATE INDEX ci ON public.c (a);\n',
  );
});

test('comments on indexes and statistics of the table come along', async () => {
  const script =
    "CREATE INDEX i ON public.a (b);\nCOMMENT ON INDEX public.i IS 'x';\nCREATE STATISTICS public.s ON b, c FROM public.a;\nALTER STATISTICS public.s OWNER TO me;\n";
  expect((await extract(`${script}COMMENT ON INDEX public.j IS 'y';\n`, ['a'])).text).toBe(script);
});

test.each([
  ['"we ird"."ta""b\n\\! x"', '"we ird"."ta""b\n\\! x"'],
  ['public."größe"', '"größe"'],
  ['Public.Users', 'users'],
  ['U&"d\\0061ta"', 'data'],
])('the table %j is found as %j', async (name, asked) => {
  const script = `CREATE TABLE ${name} (a int);\nCOPY ${name} (a) FROM stdin;\n1\n\\.\n`;
  const { text, missing } = await extract(script, [asked]);
  expect({ text, missing }).toEqual({ text: script, missing: [] });
});

test('names without schema follow the search path', async () => {
  const first = 'SET search_path = s1, pg_catalog;\nCREATE TABLE t (a int);\n';
  const second = 'SET search_path TO "S2";\nCREATE TABLE t (b int);\n';
  expect((await extract(first + second, ['"S2".t'])).text).toBe(`SET search_path = s1, pg_catalog;\n${second}`);
  expect(await extract(first + second, ['t'])).toMatchObject({ text: first + second, found: ['s1.t', '"S2".t'] });
});

test('what is not there is told as it was asked for', async () => {
  const script = "CREATE TABLE public.a (b int);\nCOMMENT ON TABLE public.c IS 'x';\n";
  expect(await extract(script, ['A', 'Other.a', '"c"'])).toMatchObject({
    found: ['public.a'],
    missing: ['Other.a', '"c"'],
  });
});

test('what --clean puts first is left out, what is dropped later is not', async () => {
  const later = 'CREATE TABLE public.a (b int DEFAULT 1);\nALTER TABLE public.a DROP COLUMN c;\n';
  expect((await extract(`ALTER TABLE public.a DROP CONSTRAINT x;\n${later}`, ['a'])).text).toBe(later);
});

test('the value of a sequence comes along whatever the letters of its name', async () => {
  const script = [
    'CREATE TABLE public."tä" (id int);',
    'CREATE SEQUENCE public."tä_id_seq";',
    'ALTER SEQUENCE public."tä_id_seq" OWNED BY public."tä".id;',
    `SELECT pg_catalog.setval('public."tä_id_seq"', 7, true);\n`,
  ].join('\n');
  expect((await extract(script, ['"tä"'])).text).toBe(script);
});

test('indexes of primary keys are attached to those of the whole table', async () => {
  const script = [
    'CREATE TABLE public.a (id int) PARTITION BY RANGE (id);',
    'CREATE TABLE public.a_1 (id int);',
    'ALTER TABLE ONLY public.a ADD CONSTRAINT a_pkey PRIMARY KEY (id);',
    'ALTER TABLE ONLY public.a_1 ADD CONSTRAINT a_1_pkey PRIMARY KEY (id);',
    'ALTER INDEX public.a_pkey ATTACH PARTITION public.a_1_pkey;\n',
  ].join('\n');
  expect((await extract(script, ['a', 'a_1'])).text).toBe(script);
  expect((await extract(script, ['a_1'])).text).not.toContain('ATTACH');
});

test('owners and grants are left out where nobody wants them', async () => {
  const table = 'CREATE TABLE public.a (id int);\n';
  const rights = 'ALTER TABLE public.a OWNER TO ann;\nGRANT SELECT ON TABLE public.a TO bob;\n';
  const sink = new PassThrough();
  const text = sink.setEncoding('utf8').toArray();
  await extractTables(Readable.from([Buffer.from(table + rights)]), ['a'], sink, { rights: false });
  sink.end();
  expect((await text).join('')).toBe(table);
  expect((await extract(table + rights, ['a'])).text).toBe(table + rights);
});

test('a row longer than what is held passes whole', async () => {
  const script = `INSERT INTO public.a VALUES ('${'x'.repeat(3_000_000)}');\nINSERT INTO public.b VALUES ('${'y'.repeat(3_000_000)}');\n`;
  const { text } = await extract(script, ['a'], 65_536);
  expect(text === script.slice(0, script.indexOf('INSERT', 9))).toBe(true);
});

test.each([
  ['\\! ls\n', 'REFUSED'],
  ['\\connect b\n', 'REFUSED'],
  ["COPY t FROM PROGRAM 'ls';\n", 'REFUSED'],
  ["SELECT '", 'DAMAGED'],
])('%j fails with %s', async (script, code) => {
  await expect(extract(`SELECT 1;\n${script}`, ['t'])).rejects.toMatchObject({ code });
});

test.each(['', 'a b', 'a.b.c', "'a'"])('%j is no name of a table', async (name) => {
  await expect(extract('SELECT 1;', [name])).rejects.toMatchObject({ code: 'USAGE' });
});

test('a sink that breaks ends the reading', async () => {
  const sink = new PassThrough({ highWaterMark: 1 });
  const reading = extractTables(Readable.from([Buffer.from('SET a = 1;'), Buffer.from('SET b = 1;')]), ['t'], sink);
  sink.destroy(new Error('the sink broke'));
  await expect(reading).rejects.toThrow('the sink broke');
});
