import { expect, test } from 'vitest';
import { readCopy } from '../../../../src/core/sql/copy-statement.ts';

test.each([
  ['COPY t FROM stdin;', ['t'], 'from', 'stream'],
  ['copy Public."T" (a, "from") From STDIN (FORMAT csv);', ['public', 'T'], 'from', 'stream'],
  ['COPY t FROM STDOUT;', ['t'], 'from', 'stream'],
  ['COPY binary FROM stdin;', ['binary'], 'from', 'stream'],
  ['COPY BINARY t FROM stdin;', ['t'], 'from', 'stream'],
  ["COPY t /* FROM 'x' */ -- FROM 'y'\n FROM stdin;", ['t'], 'from', 'stream'],
  ["COPY t FROM '/etc/passwd';", ['t'], 'from', 'file'],
  ["COPY t FROM E'/etc/\\\\passwd';", ['t'], 'from', 'file'],
  ['COPY t FROM $$/etc/passwd$$;', ['t'], 'from', 'file'],
  ["COPY t FROM PROGRAM 'id';", ['t'], 'from', 'program'],
  ["COPY t TO program 'id';", ['t'], 'to', 'program'],
  ["COPY (SELECT 1 FROM stdin) TO '/tmp/x';", undefined, 'to', 'file'],
  ['COPY (SELECT 1) TO stdout;', undefined, 'to', 'stream'],
])('%s', (statement, table, direction, target) => {
  expect(readCopy(Buffer.from(statement))).toEqual({ table, direction, with: target });
});

test.each([
  'SELECT 1;',
  'COPY',
  'COPY t;',
  'COPY t FROM',
  'COPY t FROM x;',
  '"COPY" t FROM stdin;',
  'COPYT FROM stdin;',
])('%s is no COPY of known form', (statement) => {
  expect(readCopy(Buffer.from(statement))).toBeUndefined();
});
