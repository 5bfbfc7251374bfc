import { describe, expect, test } from 'vitest';
import { sqliteDialect } from '../../../../src/core/sql/dialect.ts';
import { eventsOf } from '../../../support/script-events.ts';
import { seededRandom } from '../../../support/seeded-random.ts';

const told = (script: string | Buffer): readonly string[] => eventsOf(script).events;

describe('statements of PostgreSQL', () => {
  test.each<[string, string, string[]]>([
    ['end at semicolons', 'SELECT 1;\n\nSELECT 2;', ['1 S SELECT 1;', '3 S SELECT 2;']],
    ['need none at the end', 'SELECT 1', ['1 S SELECT 1']],
    ['are not what is empty', ';;\n ; SELECT 1;;', ['2 S SELECT 1;']],
    ['hold strings', "SELECT ';', 'it''s;';", ["1 S SELECT ';', 'it''s;';"]],
    [
      'hold backslashes in strings as they are',
      String.raw`SELECT 'a\'; SELECT 2;`,
      [String.raw`1 S SELECT 'a\';`, '1 S SELECT 2;'],
    ],
    [
      'hold escapes in E strings',
      String.raw`SELECT E'a\';\\', e'''\';'; X;`,
      [String.raw`1 S SELECT E'a\';\\', e'''\';';`, '1 S X;'],
    ],
    ['know an E only as a word', String.raw`SELECT use'a\'; X;`, [String.raw`1 S SELECT use'a\';`, '1 S X;']],
    ['hold names', 'SELECT "a;""b"; X;', ['1 S SELECT "a;""b";', '1 S X;']],
    [
      'hold U& strings',
      String.raw`SELECT U&'\'; SELECT U&"\"; X;`,
      [String.raw`1 S SELECT U&'\';`, String.raw`1 S SELECT U&"\";`, '1 S X;'],
    ],
    ['hold dollar quotes', 'DO $$ ; $a$ ; $$; X;', ['1 S DO $$ ; $a$ ; $$;', '1 S X;']],
    ['hold nested dollar quotes', 'DO $a$ ; $$ ; $ab$ ; $b$a$; X;', ['1 S DO $a$ ; $$ ; $ab$ ; $b$a$;', '1 S X;']],
    ['hold tags beyond ASCII', 'DO $é$ ; $é$; X;', ['1 S DO $Ã©$ ; $Ã©$;', '1 S X;']],
    ['know parameters', 'SELECT $1;$2;', ['1 S SELECT $1;', '1 S $2;']],
    ['know names with dollars', 'SELECT a$b$;c$b$;', ['1 S SELECT a$b$;', '1 S c$b$;']],
    [
      'hold comments',
      'SELECT 1 -- ; \n /* ; /* ; */ ; */ + 2; X;',
      ['1 S SELECT 1 -- ; \n /* ; /* ; */ ; */ + 2;', '2 S X;'],
    ],
    [
      'know comments in operators',
      'SELECT 1 +-- ;\n2; SELECT 3 */* ; */ 4;',
      ['1 S SELECT 1 +-- ;\n2;', '2 S SELECT 3 */* ; */ 4;'],
    ],
    ['end comments at a lone return', '-- a\rX;', ['1 -- a', '1 S X;']],
    [
      'hold rules with parentheses',
      'CREATE RULE r AS ON INSERT TO t DO (A; B); X;',
      ['1 S CREATE RULE r AS ON INSERT TO t DO (A; B);', '1 S X;'],
    ],
    ['ignore a closing parenthesis too many', 'A ); B (;);', ['1 S A );', '1 S B (;);']],
    ['have casts, slices and assignments', 'SELECT a::text, b[1:n], c := 2;', ['1 S SELECT a::text, b[1:n], c := 2;']],
    ['start at their first word', '\n-- one\n/* two */\n\n X;', ['2 -- one', '5 S X;']],
  ])('%s', (_, script, events) => {
    expect(told(script)).toEqual(events);
  });

  test.each([
    'CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT CASE WHEN true THEN 1 END; END;',
    'create or replace procedure p() begin atomic begin; end; select (case when a then b end); END;',
  ])('keep a body together: %s', (statement) => {
    expect(told(`${statement} X;`)).toEqual([`1 S ${statement}`, '1 S X;']);
  });

  test.each([
    'BEGIN; X; END;',
    'CREATE TABLE function (begin int); X;',
    'CREATE VIEW v AS SELECT CASE WHEN a THEN b END; X;',
  ])('take BEGIN for no body elsewhere: %s', (script) => {
    expect(told(script).at(-1)).toMatch(/^1 S (X|END);$/);
  });
});

describe('data of COPY', () => {
  test.each<[string, string, string[]]>([
    ['ends at its mark', 'COPY t FROM stdin;\n1\n2\n\\.\nX;', ['1 S COPY t FROM stdin;', '2 rows', '5 S X;']],
    ['may be empty', 'COPY t FROM stdin;\n\\.\nX;', ['1 S COPY t FROM stdin;', '0 rows', '3 S X;']],
    ['ends with CRLF', 'COPY t FROM stdin;\r\n1\r\n\\.\r\nX;', ['1 S COPY t FROM stdin;', '1 rows', '4 S X;']],
    [
      'is data whatever it says',
      "COPY t FROM stdin;\n\\! x\n'\n\\.x\n \\.\n\\\\.\n-- \\.\n\\.\nX;",
      ['1 S COPY t FROM stdin;', '6 rows', '9 S X;'],
    ],
    ['ends at a mark without a newline', 'COPY t FROM stdin;\n1\n\\.', ['1 S COPY t FROM stdin;', '1 rows']],
    ['may be cut off', 'COPY t FROM stdin;\n1\n2', ['1 S COPY t FROM stdin;', '1 rows, open']],
    ['follows a comment', 'COPY t FROM stdin; -- here\n1\n\\.\n', ['1 S COPY t FROM stdin;', '1 rows']],
    [
      'follows any way to write it',
      'copy "FROM".t (a, "b;")\n from StdOut with (format csv);\n1\n\\.\n',
      ['1 S copy "FROM".t (a, "b;")\n from StdOut with (format csv);', '1 rows'],
    ],
    ['follows the old form', 'COPY BINARY t FROM stdin;\n1\n\\.\n', ['1 S COPY BINARY t FROM stdin;', '1 rows']],
    ['does not follow a COPY to', 'COPY t TO stdout; X;', ['1 S COPY t TO stdout;', '1 S X;']],
    [
      'does not follow other statements',
      'SELECT $$\nCOPY t FROM stdin;\n$$; X;',
      ['1 S SELECT $$\nCOPY t FROM stdin;\n$$;', '3 S X;'],
    ],
  ])('%s', (_, script, events) => {
    expect(told(script)).toEqual(events);
  });
});

describe('commands of psql', () => {
  test.each<[string, string[]]>([
    ['\\! ls\nX;', ['1 C \\! ls', '2 S X;']],
    ['SELECT 1 \\g | ls\n', ['1 c \\g | ls', '1 S SELECT 1 \n']],
    ['SELECT 1\\;SELECT 2;\n', ['1 c \\;SELECT 2;', '1 S SELECT 1\n']],
    ['/* a */ \\copy t from stdin\n', ['1 C \\copy t from stdin']],
    ['-- a\r\\! ls\n', ['1 -- a', '1 C \\! ls']],
    ['SELECT a$$;\n\\! ls\n$$', ['1 S SELECT a$$;', '2 C \\! ls', '3 S $$']],
  ])('%j', (script, events) => {
    expect(told(script).map((event) => event.replace('\\g | ls\n', '\n').replace('\\;SELECT 2;\n', '\n'))).toEqual(
      events,
    );
  });

  test.each([
    ['SELECT :LAST_ERROR_MESSAGE;', 'the variable :LAST_ERROR_MESSAGE of psql'],
    ['SELECT 1a$$;$$;', 'letters or a dollar right after a number'],
    ["SELECT 1e'\\';'", 'letters or a dollar right after a number'],
    ["SELECT E'a'\n'b';", 'a string that goes on from one with escapes'],
    ['SELECT :a$$;', 'a quote right after what psql takes for a variable'],
    ['\u{feff}$$;', 'a quote right after a byte order mark'],
    ["\u{feff}e'\\';", 'a quote right after a byte order mark'],
    ['SELECT 1\0;', 'a byte 0, at which programs stop reading the line'],
    ['COPY t FROM stdin; SELECT 1;\n\\.\n', 'text after a COPY on its line'],
  ])('%j is doubtful', (script, reason) => {
    expect(
      told(script)
        .find((event) => event.includes(' ? '))
        ?.slice(4),
    ).toBe(reason);
  });

  test.each(['\\', 'a', '$'])('a word that starts with %j and is longer than what is held is doubtful', (start) => {
    const { events } = eventsOf(`X;\n${start}${'x'.repeat(200_000)};`, { size: 65_000 });
    expect(events).toContain('2 ? a word or a command of more than 64 KiB');
  });

  test.each([
    '\u{feff}SELECT 1;',
    "SELECT 0x1F, 1e5, 1_000, '1';",
    'SELECT arr[1:2], a::varchar;',
    "SELECT E'a', E'\\'';",
  ])('%j is not doubtful', (script) => {
    expect(told(script).filter((event) => event.includes(' ? '))).toEqual([]);
  });
});

test.each([
  ['', 'nothing', 0],
  ['X;\n-- a', 'nothing', 1],
  ['X;\n\nSELECT 1', 'a statement', 3],
  ['SELECT (1;\n', 'parentheses', 1],
  ['CREATE FUNCTION f() BEGIN ATOMIC SELECT 1;', 'the body of a statement', 1],
  ["SELECT\n'a", 'a quoted string', 2],
  ["SELECT E'a\\'", 'a quoted string', 1],
  ['SELECT "a', 'a quoted name', 1],
  ['DO\n\n$a$ $$', 'a dollar-quoted string', 3],
  ['/* /* */ X;', 'a comment', 1],
  ['COPY t FROM stdin;', 'the data of a COPY', 1],
  ['X;\nCOPY t FROM stdin;\n1\n\\.x\n', 'the data of a COPY', 2],
])('%j ends within %s', (script, open, line) => {
  expect(eventsOf(script).end).toEqual({ open, line });
});

describe('statements of SQLite', () => {
  test.each<[string, string[]]>([
    [
      'CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT 1; SELECT CASE WHEN 1 THEN 2 END; END; X;',
      ['CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT 1; SELECT CASE WHEN 1 THEN 2 END; END;', 'X;'],
    ],
    ['BEGIN; SELECT 1; END;', ['BEGIN;', 'SELECT 1;', 'END;']],
    ['SELECT [a;], `b;`, "c;" ; X;', ['SELECT [a;], `b;`, "c;" ;', 'X;']],
    ['SELECT 1 /* /* ; */ ; X;', ['SELECT 1 /* /* ; */ ;', 'X;']],
    ['SELECT $$ ; X;', ['SELECT $$ ;', 'X;']],
    ["SELECT '\\'; X;", ["SELECT '\\';", 'X;']],
    ['-- a\rX;\nY;', ['Y;']],
    ['SELECT \\! ;', ['SELECT \\! ;']],
  ])('%s', (script, statements) => {
    const { events } = eventsOf(script, { dialect: sqliteDialect });
    expect(events.filter((event) => !event.includes(' -- ')).map((event) => event.slice(4))).toEqual(statements);
  });
});

describe('pieces', () => {
  const parts = [
    "'",
    '"',
    '$$',
    '$a$',
    '$',
    "E'",
    '--',
    '/*',
    '*/',
    '\\',
    '\n',
    '\n',
    '\r',
    ';',
    ';',
    '(',
    ')',
    '1',
    'a',
    ' BEGIN ',
    ' END ',
  ];
  const more = [
    'CREATE FUNCTION ',
    '\\! ls\n',
    ':x',
    '::',
    ' ',
    '*',
    '-',
    'é',
    "''",
    "\\'",
    'COPY t FROM stdin;\n',
    '\n\\.\n',
    '\n\\.\r\n',
    '1\n',
    '\u{feff}',
  ];
  const random = seededRandom(20_261_120);
  const scripts = Array.from({ length: 400 }, () =>
    Array.from(
      { length: 3 + (random() % 20) },
      () => [...parts, ...more][random() % (parts.length + more.length)],
    ).join(''),
  );

  test.each([1, 2, 3, 5, 8])('of %d bytes tell the same as the whole', (size) => {
    for (const script of scripts)
      expect({ script, ...eventsOf(script, { size }) }).toEqual({ script, ...eventsOf(script) });
  });

  test('may be cut anywhere', () => {
    const script = Buffer.from(
      "-- é\nSELECT E'\\'é', $a$;$a$, 1.5 /* ; */;\nCOPY t FROM stdin;\n1\n\\N\n\\.\n\\restrict a\nX;",
    );
    const whole = eventsOf(script);
    for (let size = 1; size < script.length; size++) expect(eventsOf(script, { size })).toEqual(whole);
  });

  test('are handed on when a statement is longer than what is held', () => {
    const script = `INSERT INTO t VALUES ('${'é;'.repeat(500)}'); X;`;
    for (const size of [1, 7, 100]) expect(eventsOf(script, { size, headBytes: 50 })).toEqual(eventsOf(script));
  });
});
