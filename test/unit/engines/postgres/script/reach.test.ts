import { expect, test } from 'vitest';
import { judgeReach } from '../../../../../src/engines/postgres/script/reach.ts';

test.each([
  ['DROP DATABASE live;', 'DROP DATABASE'],
  ['drop /* of somebody */ database if exists live;', 'DROP DATABASE'],
  ['CREATE DATABASE x;', 'CREATE DATABASE'],
  ["ALTER DATABASE live SET work_mem = '1GB';", 'ALTER DATABASE'],
  ["ALTER SYSTEM SET log_statement = 'all';", 'ALTER SYSTEM'],
  ['DROP OWNED BY app;', 'DROP OWNED'],
  ['REASSIGN OWNED BY app TO me;', 'REASSIGN OWNED'],
  ['CREATE ROLE intruder SUPERUSER;', 'CREATE ROLE'],
  ['ALTER USER app PASSWORD NULL;', 'ALTER USER'],
  ['DROP TABLESPACE fast;', 'DROP TABLESPACE'],
])('%s reaches beyond the database', (statement, words) => {
  expect(() => judgeReach(Buffer.from(statement), 7, false)).toThrow(`line 7: ${words} reaches beyond`);
});

test.each([
  'CREATE TABLE role (a int);',
  'CREATE USER MAPPING FOR me SERVER s;',
  'DROP TABLE "database";',
  'SELECT 1;',
])('%s stays in it', (statement) => {
  expect(() => judgeReach(Buffer.from(statement), 1, false)).not.toThrow();
});

test('globals make and alter roles and tablespaces, and drop none', () => {
  for (const statement of ['CREATE ROLE a;', 'ALTER ROLE a LOGIN;', "CREATE TABLESPACE t LOCATION '/x';"]) {
    expect(() => judgeReach(Buffer.from(statement), 1, true)).not.toThrow();
  }
  for (const statement of ['DROP ROLE a;', 'DROP DATABASE d;', 'ALTER SYSTEM RESET ALL;']) {
    expect(() => judgeReach(Buffer.from(statement), 1, true)).toThrow('reaches beyond');
  }
});
