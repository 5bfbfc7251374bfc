import { expect, test } from 'vitest';
import { explainFailure } from '../../../../../src/engines/postgres/connection/failure.ts';
import { withoutRowData } from '../../../../../src/engines/postgres/connection/row-data.ts';

test.each([
  ['ERROR:  x\nDETAIL:  Failing row contains (1, secret\nsecret, 2).\nCONTEXT:  here', 'CONTEXT:  here'],
  ['ERROR:  x\nDETAIL:  Key (a, b)=(secret, 2) already exists.', 'Key (…)'],
  ['ERROR:  x\nDETAIL:  Partition key of the failing row contains (a) = (secret).', 'failing row contains (…)'],
  ['CONTEXT:  COPY t, line 7: "1\tsecret"', 'COPY t, line 7'],
  ['CONTEXT:  COPY t, line 7, column b: "secret"', 'COPY t, line 7, column b'],
  ['CONTEXT:  JSON data, line 1: {"a": secret', 'JSON data, line 1'],
  ['ERROR:  invalid input syntax for type json\nDETAIL:  Token "secret" is invalid.', 'Token "…" is invalid'],
  ['ERROR:  invalid input syntax for type integer: "secret\nsecret"\nLINE 1: x', 'integer: "…"\nLINE 1: x'],
  ['ERROR:  malformed array literal: "{secret"', 'malformed array literal: "…"'],
  ['ERROR:  value "8315secret" is out of range for type integer', 'value "…" is out of range'],
  ["LINE 1: INSERT INTO t VALUES (4711, 'secret')", "VALUES (…, '…')"],
  ["LINE 4: ('secret'::int);", "LINE 4: ('…'::int);"],
  ["LINE 9: secret', 'x'::int);", 'LINE 9: …'],
  ['LINE 1: ...secret', 'LINE 1: …'],
  ["Command was: INSERT INTO t (a) VALUES\n(1, 'secret'),\n('secret');\n", 'VALUES (…)'],
])('of %j no row is left', (said, kept) => {
  const text = withoutRowData(said);
  expect(text).not.toMatch(/secret|4711/);
  expect(text).toContain(kept);
});

test('names of objects and statements that define them stay', () => {
  const said =
    'pg_restore: error: could not execute query: ERROR:  type "x" does not exist\nLINE 2:     c x\nCommand was: CREATE TABLE public.ssl (\n    c x\n);';
  expect(withoutRowData(said)).toBe(said);
});

test('a hint is chosen by the error, not by the statement', () => {
  const said = (statement: string): string => `ERROR:  type "x" does not exist\nCommand was: ${statement}`;
  for (const statement of ['CREATE TABLE ssl_certificate (c x);', "COMMENT ON TABLE t IS 'permission denied';"]) {
    expect(explainFailure('it', said(statement), 'SOURCE_REFUSED', 'the general one').hint).toBe('the general one');
  }
});

test('what comes from the surroundings of a test restore is no damage', () => {
  for (const said of ['server closed the connection unexpectedly', 'ERROR:  out of shared memory']) {
    expect(explainFailure('it', said, 'DAMAGED').code).toBe('TOOL_FAILED');
  }
  expect(explainFailure('it', 'ERROR:  could not extend file "x": No space left on device', 'DAMAGED').code).toBe(
    'NO_SPACE',
  );
  expect(explainFailure('it', 'ERROR:  relation "t" already exists', 'DAMAGED').code).toBe('DAMAGED');
});
