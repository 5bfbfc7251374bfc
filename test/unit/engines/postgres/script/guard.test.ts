import { describe, expect, test } from 'vitest';
import { guarded } from '../../../../support/guarded.ts';

describe('what is only SQL', () => {
  test.each([
    'SELECT 1;\n',
    'SELECT 1',
    '',
    'COPY t FROM stdin;\n\\! x\n\\.\nCOPY t TO stdout;\n',
    "SET standard_conforming_strings = on;\nset session STANDARD_CONFORMING_STRINGS to 'on';\nSET client_encoding = 'LATIN1';\n",
    "DO $$ BEGIN \\! END $$;\nSELECT '\\!', \"\\!\", E'\\!';\n-- \\!\n/* \\! */",
    "COMMENT ON TABLE t IS 'needs standard_conforming_strings = off, client_encoding SJIS';\n",
    "SELECT set_config('client_encoding', 'UTF8', false);\n",
  ])('passes unchanged: %j', async (script) => {
    for (const size of [1, 3, 1000])
      expect(await guarded(script, {}, size)).toEqual({ passed: script, error: undefined });
  });

  test('passes in any bytes beyond ASCII', async () => {
    const bytes = Buffer.concat([Buffer.from("SELECT '"), Buffer.from([0xff, 0xe4, 0x80, 0xc3]), Buffer.from("';\n")]);
    expect((await guarded(bytes)).passed).toBe(bytes.toString('latin1'));
  });

  test('passes when it is longer than what is held', async () => {
    const script = `INSERT INTO t VALUES ('${'x'.repeat(6_000_000)}');\n-- ${'y'.repeat(200_000)}\nSELECT 1;\n`;
    const { passed, error } = await guarded(script);
    expect(error).toBeUndefined();
    expect(passed === script).toBe(true);
  });
});

describe('a command of psql', () => {
  test.each([
    ['\\! ls', '\\!'],
    ['\\!ls', '\\!'],
    ['SELECT 1 \\g | ls', '\\g'],
    ['SELECT 1 \\gexec', '\\gexec'],
    ["SELECT '1' \\gset", '\\gset'],
    ["\\copy t from program 'ls'", '\\copy'],
    ['\\i /etc/passwd', '\\i'],
    ['\\ir x', '\\ir'],
    ['\\o | ls', '\\o'],
    ['\\connect other', '\\connect'],
    ['\\c', '\\c'],
    ['\\restrict a b', '\\restrict'],
    ['\\restrict', '\\restrict'],
    ['\\unrestrict a', '\\unrestrict'],
    ['SELECT 1\\; SELECT 2;', '\\;'],
    ['SELECT :x \\ ', '\\'],
    ['\\\u001b[2J', '\\'],
    ['-- Name: a\r\\! ls', '\\!'],
    ["SELECT '' \\! ls", '\\!'],
  ])('%j is refused by its line and name, and does not pass', async (line, name) => {
    for (const size of [1, 7, 1000]) {
      const { passed, error } = await guarded(`SELECT 1;\n\n${line}\nSELECT 2;\n`, {}, size);
      expect(error).toMatchObject({
        code: 'REFUSED',
        message: `line 3: the psql command ${name} is not let through`,
      });
      expect('SELECT 1;\n\n'.startsWith(passed)).toBe(true);
    }
  });

  test('in a comment of pg_dump, from a name with a newline, is refused', async () => {
    const script = '--\n-- Name: evil\n\\! touch /tmp/x\n; Type: TABLE; Schema: public; Owner: o\n--\n';
    expect((await guarded(script)).error).toMatchObject({ message: 'line 3: the psql command \\! is not let through' });
  });

  test('of any kind passes when allowed', async () => {
    expect(await guarded('\\! ls\n', { allowMeta: true })).toEqual({ passed: '\\! ls\n', error: undefined });
  });
});

describe('the restricted part of a dump', () => {
  const dump = '-- dump\n\n\\restrict aZ9\n\nSELECT 1;\n-- end\n\n\\unrestrict aZ9\n\n';

  test('loses its marks and keeps its lines', async () => {
    for (const size of [1, 5, 1000]) {
      expect(await guarded(dump, {}, size)).toEqual({
        passed: '-- dump\n\n\n\nSELECT 1;\n-- end\n\n\n\n',
        error: undefined,
      });
    }
  });

  test.each([
    ['begins late', 'SELECT 1;\n\\restrict a\n\\unrestrict a\n', 2],
    ['ends with another key', '\\restrict a\nSELECT 1;\n\\unrestrict b\n', 3],
    ['ends twice', '\\restrict a\n\\unrestrict a\n\\unrestrict a\n', 3],
    ['begins twice', '\\restrict a\n\\restrict a\n', 2],
    ['begins again', '\\restrict a\n\\unrestrict a\n\\restrict b\n\\unrestrict b\n', 3],
    ['has more in it', '\\restrict a\nSELECT 1;\n\\! ls\n\\unrestrict a\n', 3],
    ['has more on its line', '\\restrict a \\! ls\n\\unrestrict a\n', 1],
    ['has a strange key', '\\restrict `ls`\n', 1],
    ['stands in a statement', 'SELECT\n\\restrict a\n;\n\\unrestrict a\n', 2],
    ['is followed by SQL', '\\restrict a\n\\unrestrict a\nSELECT 1;\n', 3],
  ])('is refused when it %s', async (_, script, line) => {
    const { error } = await guarded(script);
    expect(error).toMatchObject({ code: 'REFUSED', message: expect.stringMatching(`^line ${line}: `) as string });
  });

  test('is damaged without its end', async () => {
    expect((await guarded('\\restrict a\nSELECT 1;\n')).error).toMatchObject({ code: 'DAMAGED' });
  });

  const cluster =
    '\\restrict a\nX;\n\\unrestrict a\n\n\\connect template1\n\n\\restrict b\nY;\n\\unrestrict b\n\\connect "Db.1"\n\\restrict b\n';
  const connecting = `${cluster}Z;\n\\unrestrict b\n\\encoding SQL_ASCII\n\\connect -reuse-previous=on "dbname='a b\\'c""d'"\nQ;\n`;

  test('may come many times among \\connect, when that is allowed', async () => {
    const { passed, error } = await guarded(connecting, { allowConnect: true });
    expect(error).toBeUndefined();
    expect(passed).toBe(connecting.replaceAll(/\\(un)?restrict .*/g, ''));
    expect((await guarded(connecting)).error).toMatchObject({ message: expect.stringMatching('^line 5: ') as string });
  });

  test.each([
    '\\encoding SJIS',
    '\\encoding `ls`',
    '\\connect `ls`',
    '\\connect "a`ls`"',
    '\\connect a b',
    '\\connect a \\! ls',
    '\\connect host=evil',
    '\\connect "host=evil"',
    '\\connect postgresql://evil/',
    '\\connect "postgresql://evil/"',
    '\\connect :x',
    `\\connect -reuse-previous=on "dbname='a' host=evil"`,
    `\\connect -reuse-previous=on "dbname='a\\\\' host=evil"`,
    '\\restrict a\n\\connect b',
  ])('does not let %j through', async (script) => {
    expect((await guarded(`${script}\n`, { allowConnect: true })).error).toMatchObject({ code: 'REFUSED' });
  });
});

test.each([
  ["COPY t FROM PROGRAM 'id';", 'a COPY in the script starts a program on the server'],
  ["COPY (SELECT 1)\nTO PROGRAM 'id'\n;", 'a COPY in the script starts a program on the server'],
  ["COPY t TO '/tmp/x'", 'a COPY in the script uses a file of the server'],
  ['/**/copy/**/t from $$/etc/passwd$$;', 'a COPY in the script uses a file of the server'],
  ['COPY t FROM x;', 'a COPY in the script has a form that dbops does not know'],
  ['SET standard_conforming_strings = off;', 'the script changes standard_conforming_strings'],
  ['RESET "standard_conforming_strings";', 'the script changes standard_conforming_strings'],
  ['SET U&"standard\\005fconforming_strings" TO off;', 'the script changes standard_conforming_strings'],
  ["SELECT set_config('standard_conforming_strings', 'off', false);", 'the script changes standard_conforming_strings'],
  ['ALTER DATABASE d SET standard_conforming_strings TO off;', 'the script changes standard_conforming_strings'],
  ["SET client_encoding = 'SJIS';", 'the script changes to an encoding that cannot be read safely'],
  ["SET client_encoding TO 's.Jis';", 'the script changes to an encoding that cannot be read safely'],
  ["SET NAMES 'big5';", 'the script changes to an encoding that cannot be read safely'],
])('%j is refused, and nothing of it passes', async (statement, message) => {
  const { passed, error } = await guarded(`SELECT 1;\n${statement}\n`);
  expect(error).toMatchObject({ code: 'REFUSED', message: `line 2: ${message}` });
  expect('SELECT 1;\n'.startsWith(passed)).toBe(true);
});

test('COPY of server files passes when allowed', async () => {
  const script = "COPY t FROM PROGRAM 'id';\n";
  expect(await guarded(script, { allowServerFiles: true })).toEqual({ passed: script, error: undefined });
});

test.each(["SELECT '", 'SELECT (', 'COPY t FROM stdin;\n1\n', '/* ', 'DO $$ '])(
  '%j is damaged: it has no end',
  async (script) => {
    expect((await guarded(script)).error).toMatchObject({ code: 'DAMAGED' });
  },
);

test('what programs read in different ways is refused', async () => {
  expect((await guarded('SELECT 1a$$;\n')).error).toMatchObject({
    code: 'REFUSED',
    message: 'line 1: the script has letters or a dollar right after a number',
  });
});

test.each([
  'COMMIT',
  'end',
  'Rollback',
  'BEGIN',
  'START TRANSACTION',
  'SAVEPOINT a',
  "PREPARE TRANSACTION 'a'",
  'abort',
])('within a transaction of ours %j is refused, and nothing of it passes', async (statement) => {
  const script = `SELECT 1;\n${statement};\nDROP TABLE users;\n`;
  const { passed, error } = await guarded(script, { withinTransaction: true });
  expect(error).toMatchObject({ code: 'REFUSED', message: expect.stringMatching(/^line 2: .* one transaction$/) });
  expect('SELECT 1;\n'.startsWith(passed)).toBe(true);
  expect((await guarded(script)).error).toBeUndefined();
});

test('within a transaction of ours the body of a function may have words of transactions', async () => {
  const script =
    'CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; END;\nCOMMENT ON TABLE t IS $$COMMIT;$$;\n';
  expect(await guarded(script, { withinTransaction: true })).toEqual({ passed: script, error: undefined });
});
