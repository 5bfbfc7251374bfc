import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { inspectScript, type ScriptInspection } from '../../../../../src/engines/postgres/script/inspect.ts';

const inspect = (script: string, size = 1000): Promise<ScriptInspection> => {
  const bytes = Buffer.from(script);
  const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) =>
    bytes.subarray(at * size, (at + 1) * size),
  );
  return inspectScript(Readable.from(pieces));
};

const head =
  '--\n-- PostgreSQL database dump\n--\n\n-- Dumped from database version 9.6.3\n-- Dumped by pg_dump version 16.1 (x)\n\nSET x = 1;\n';
const mark = '--\n-- PostgreSQL database dump complete\n--\n\n';

test('a dump tells its versions, statements and rows', async () => {
  const rows =
    'COPY public.a (b) FROM stdin;\n1\n2\n\\.\n\nCOPY public."B" FROM stdin;\n\\.\nINSERT INTO public.a VALUES (1);\nINSERT INTO public.a VALUES (2);\nINSERT INTO public.ab (x) VALUES (3);\n';
  expect(await inspect(head + rows + mark, 7)).toEqual({
    problems: [],
    warnings: [],
    tables: [
      { name: 'public.a', rows: 4 },
      { name: 'public."B"', rows: 0 },
      { name: 'public.ab', rows: 1 },
    ],
    statements: 6,
    header: { serverVersion: '9.6.3', dumpVersion: '16.1 (x)' },
    kind: 'pg_dump',
  });
});

const cluster = `-- PostgreSQL database cluster dump\nCREATE ROLE a;\n\\connect a\n${head}${mark}-- PostgreSQL database cluster dump complete\n`;

test.each<[string, string, Partial<ScriptInspection>]>([
  [
    'a dump without its mark is cut off',
    head,
    { kind: 'pg_dump', problems: ['it lacks the end that pg_dump writes: it was cut off'] },
  ],
  [
    'a mark in a string is none',
    `${head}SELECT '\n${mark}';\n`,
    { problems: ['it lacks the end that pg_dump writes: it was cut off'] },
  ],
  [
    'a mark in data is none',
    `${head}COPY t FROM stdin;\n${mark}\\.\n`,
    { problems: ['it lacks the end that pg_dump writes: it was cut off'] },
  ],
  [
    'a statement after the mark is a sign of another end',
    `${head}${mark}SELECT 1;\n`,
    { problems: ['it lacks the end that pg_dump writes: it was cut off'] },
  ],
  ['two dumps in a row are one', head + mark + head + mark, { problems: [] }],
  ['a cluster has its own mark', cluster, { kind: 'pg_dumpall', problems: [], warnings: [] }],
  [
    'a cluster lacks its mark',
    cluster.replace(/-- PostgreSQL database cluster dump complete/, ''),
    { problems: ['it lacks the end that pg_dumpall writes: it was cut off'] },
  ],
  [
    'a database within a cluster lacks its mark',
    cluster.replace(mark, ''),
    { problems: ['it lacks the end that pg_dumpall writes: it was cut off'] },
  ],
  [
    'a foreign script has none',
    'CREATE TABLE t (a int)',
    { kind: 'unknown', problems: [], warnings: ['it has no mark at its end by which a cut would be seen'] },
  ],
  [
    'an empty script is a problem',
    '-- nothing\n',
    { kind: 'unknown', problems: ['it holds no statement'], warnings: [] },
  ],
  [
    'a foreign script ends within a quote',
    "SELECT 1;\nSELECT 'a",
    { problems: ['it ends within a quoted string that begins in line 2'] },
  ],
  [
    'a dump ends within data',
    `${head}COPY t FROM stdin;\n1\n`,
    {
      problems: [
        'it ends within the data of a COPY that begins in line 9',
        'it lacks the end that pg_dump writes: it was cut off',
      ],
    },
  ],
  [
    'a byte 0 in a dump is damage',
    `${head}SELECT '\0';\n${mark}`,
    { problems: ['line 9: a byte 0, at which programs stop reading the line'] },
  ],
  [
    'commands of psql are warnings',
    `${head}\\! ls\n\\set a b\n${mark}`,
    { problems: [], warnings: ['line 9: the psql command \\!', 'line 10: the psql command \\set'] },
  ],
])('%s', async (_, script, inspection) => {
  expect(await inspect(script)).toMatchObject(inspection);
});

test('what is read fails with its stream', async () => {
  const broken = Readable.from(
    (function* () {
      yield Buffer.from('SELECT');
      throw new Error('the source broke');
    })(),
  );
  await expect(inspectScript(broken)).rejects.toThrow('the source broke');
});
