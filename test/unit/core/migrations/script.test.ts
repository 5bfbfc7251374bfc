import { expect, test } from 'vitest';
import { readScript } from '../../../../src/core/migrations/script.ts';
import { postgresRules } from '../../../../src/engines/postgres/migrate/rules.ts';
import { sqliteRules } from '../../../../src/engines/sqlite/migrate/rules.ts';

const read = (sql: string | Buffer, rules = postgresRules) => readScript('f.sql', Buffer.from(sql), rules);
const meaning = (sql: string, rules = postgresRules): string => read(sql, rules).meaning;

test.each([
  ['comments', 'SELECT 1; -- x', '/* y /* z */ */ SELECT 1;'],
  ['white space', 'SELECT  1\n,\t2;', 'SELECT 1, 2;'],
  ['line ends, in strings too', "SELECT 'a\r\nb';\r\n", "SELECT 'a\nb';\n"],
  ['a byte order mark', '\uFEFFSELECT 1;', 'SELECT 1;'],
  ['a last semicolon', 'SELECT 1', 'SELECT 1;'],
  ['blanks around parentheses', 'INSERT INTO t (a) VALUES (1);', 'INSERT INTO t(a)VALUES( 1 );'],
])('%s mean nothing', (_what, one, other) => {
  expect(meaning(one)).toBe(meaning(other));
  expect(read(one).checksum).not.toBe(read(other).checksum);
});

test.each([
  ["SELECT 'a  b';", "SELECT 'a b';"],
  ["SELECT '--a';", "SELECT '--b';"],
  ["SELECT E'a\\nb';", "SELECT 'a\\nb';"],
  ['SELECT "A";', 'SELECT "a";'],
  ['SELECT $$a  b$$;', 'SELECT $$a b$$;'],
  ['SELECT 1; SELECT 2;', 'SELECT 2; SELECT 1;'],
  ['SELECT a b;', 'SELECT ab;'],
])('%s is something else than %s', (one, other) => {
  expect(meaning(one)).not.toBe(meaning(other));
});

test('statements end where the database ends them', () => {
  const body = "CREATE FUNCTION f() RETURNS void AS $x$ BEGIN PERFORM ';'; END $x$ LANGUAGE plpgsql";
  const atomic = 'CREATE FUNCTION g() RETURNS int BEGIN ATOMIC SELECT 1; SELECT CASE WHEN true THEN 2 END; END';
  expect(read(`${body};\n${atomic};\nSELECT 1`).statements.map(({ text }) => text)).toEqual([body, atomic, 'SELECT 1']);
  const trigger = 'CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT CASE 1 WHEN 1 THEN 2 END; DELETE FROM b; END';
  const lines = read(`\n${trigger};\nSELECT 1;`, sqliteRules).statements.map(({ line, text }) => [line, text]);
  expect(lines).toEqual([
    [2, trigger],
    [3, 'SELECT 1'],
  ]);
});

test.each([
  ['BEGIN; SELECT 1;', 'f.sql:1: BEGIN:'],
  ['SELECT 1;\n/* x */ commit;', 'f.sql:2: COMMIT:'],
  ['ROLLBACK TO x;', 'f.sql:1: ROLLBACK:'],
  ['START TRANSACTION;', 'f.sql:1: START TRANSACTION:'],
  ['CREATE UNIQUE INDEX CONCURRENTLY i ON t (a);', 'f.sql:1: this runs outside of a transaction only'],
  ['REINDEX (VERBOSE) TABLE CONCURRENTLY t;', 'f.sql:1: this runs outside of a transaction only'],
  ['VACUUM t;', 'f.sql:1: this runs outside of a transaction only'],
  ['\\i other.sql\nSELECT 1;', 'f.sql:1: \\i is a command of psql'],
  ['\\restrict abc\nSELECT 1;', 'f.sql:1: \\restrict is a command of psql'],
  ['SELECT :DBNAME;', 'f.sql:1: programs read this in different ways: the variable :DBNAME'],
  ['COPY t FROM stdin;\n1\n\\.\n', 'f.sql:1: rows of a COPY'],
  ["SELECT 1;\nSELECT 'x", 'f.sql:2: a quoted string does not end'],
  ['SELECT (1', 'f.sql:1: parentheses does not end'],
  ['SET standard_conforming_strings = off;', 'f.sql:1: standard_conforming_strings may not be turned off'],
  ['', 'f.sql: it holds no statement'],
  ['-- dbops: no-transaction=true\nSELECT 1;', 'f.sql:1: "-- dbops: no-transaction=true" is no directive'],
  ['--dbops:no transaction\nSELECT 1;', 'f.sql:1: "--dbops:no transaction" is no directive'],
  ['SELECT 1;\n-- dbops: no-transaction', 'f.sql:2: a directive has to stand before the first statement'],
])('%j is refused', (sql, said) => {
  expect(read(sql).problems).toEqual([expect.stringContaining(said)]);
});

test.each([
  ['PRAGMA foreign_keys=OFF; SELECT 1;', 'foreign_keys has no effect here'],
  ['PRAGMA main.foreign_keys(0);', 'foreign_keys has no effect here'],
  ['PRAGMA journal_mode = WAL;', 'outside of a transaction only'],
  ['PRAGMA writable_schema = 1;', 'writable_schema can destroy'],
])('of SQLite %j is refused', (sql, said) => {
  expect(read(sql, sqliteRules).problems).toEqual([expect.stringContaining(said)]);
});

test('bytes that are no UTF-8 are refused', () => {
  expect(read(Buffer.from([0x53, 0xff])).problems).toEqual(['f.sql: it is not UTF-8']);
});

test('directives are read from comments before the first statement', () => {
  const { directives, problems } = read(
    '-- add an index\r\n-- dbops: no-transaction\r\n--dbops: may-lose-rows a b\r\nVACUUM;',
  );
  expect(problems).toEqual([]);
  expect(directives).toEqual({ transaction: false, foreignKeys: false, mayLoseRows: ['a', 'b'] });
});
