import { expect, test } from 'vitest';
import { failedStatements, isDangling } from '../../../../../src/engines/postgres/restore/failed-statements.ts';

const said = (statement: string, error: string): string[] => [
  `pg_restore: error: could not execute query: ERROR:  ${error}`,
  'LINE 2: here',
  '        ^',
  ...`Command was: ${statement}`.split('\n'),
];

test('statements that failed are told by their words and the reason', () => {
  const lines = [
    ...said('ALTER TABLE ONLY t\n    ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES u;', 'relation "u" does not exist'),
    'pg_restore: error: COPY failed for table "t": ERROR:  invalid input',
    'CONTEXT:  COPY t, line 1',
    'pg_restore: warning: errors ignored on restore: 2',
  ];
  expect(failedStatements(lines)).toEqual([
    {
      statement: 'ALTER TABLE ONLY t ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES u;',
      error: 'relation "u" does not exist',
    },
    { statement: '', error: 'invalid input' },
  ]);
});

test.each([
  ['ALTER TABLE ONLY t ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES u;', 'relation "u" does not exist', true],
  ['CREATE VIEW v AS SELECT 1 FROM u;', 'relation "u" does not exist', true],
  ['CREATE UNIQUE INDEX i ON t (f(a));', 'function f(integer) does not exist', true],
  ['CREATE CONSTRAINT TRIGGER x AFTER INSERT ON t EXECUTE FUNCTION f();', 'function f() does not exist', true],
  ['CREATE TABLE t (a mood);', 'type "mood" does not exist', false],
  ['COPY t (a) FROM stdin;', 'relation "t" does not exist', false],
  ['CREATE SEQUENCE s;', 'schema "x" does not exist', false],
  ['ALTER TABLE ONLY t ADD PRIMARY KEY (a);', 'could not create unique index "t_pkey"', false],
  ['', 'relation "t" does not exist', false],
])('%s: %s', (statement, error, dangling) => {
  expect(isDangling({ statement, error })).toBe(dangling);
});
