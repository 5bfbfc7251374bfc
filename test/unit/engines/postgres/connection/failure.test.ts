import { describe, expect, test } from 'vitest';
import { explainFailure } from '../../../../../src/engines/postgres/connection/failure.ts';

// What clients of PostgreSQL 15 to 18 and their servers say.
test.each([
  [
    'psql: error: connection to server at "db" (10.0.0.1), port 5432 failed: FATAL:  password authentication failed for user "me"',
    'PGPASSWORD',
  ],
  ['psql: error: connection to server at "db", port 5432 failed: fe_sendauth: no password supplied', 'PGPASSWORD'],
  ['could not translate host name "nowhere" to address: Name or service not known', 'Check the host'],
  [
    'connection to server at "127.0.0.1", port 1 failed: Connection refused\n\tIs the server running on that host?',
    'pg_isready',
  ],
  ['connection to server on socket "/run/.s.PGSQL.5432" failed: No such file or directory', 'pg_isready'],
  ['connection to server at "db", port 5432 failed: FATAL:  database "shop" does not exist', 'psql --list'],
  ['connection to server at "db", port 5432 failed: FATAL:  role "me" does not exist', 'create the role'],
  ['FATAL:  no pg_hba.conf entry for host "10.0.0.9", user "me", database "shop", SSL off', 'pg_hba.conf'],
  [
    'connection to server at "db", port 5432 failed: server certificate for "other" does not match host name "db"',
    'sslrootcert',
  ],
  ['connection to server at "db", port 5432 failed: server does not support SSL, but SSL was required', 'never lowers'],
  ['SSL SYSCALL error: EOF detected', 'run this again'],
  [
    'server closed the connection unexpectedly\n\tThis probably means the server terminated abnormally',
    'run this again',
  ],
  ['FATAL:  terminating connection due to administrator command', 'run this again'],
  ['FATAL:  sorry, too many clients already', 'Free connections'],
  ['FATAL:  the database system is starting up', 'Wait until'],
  ['ERROR:  permission denied for table orders', 'pg_read_all_data'],
  ['ERROR:  permission denied to create database', 'CREATEDB'],
  ['ERROR:  must be member of role "postgres"', 'Use a superuser'],
  ['ERROR:  canceling statement due to lock timeout', '--lock-timeout'],
  ['ERROR:  canceling statement due to conflict with recovery', 'max_standby_streaming_delay'],
  ['ERROR:  out of shared memory\nHINT:  You might need to increase max_locks_per_transaction.', 'Raise max_locks'],
  ['etwas ging schief', "server's log"],
])('%s', (said, hint) => {
  const error = explainFailure('it failed', said);
  expect(error.code).toBe('SOURCE_REFUSED');
  expect(error.message).toMatch(/^it failed: [^\n]+$/);
  expect(error.hint).toContain(hint);
});

test('a full disk has its own code', () => {
  expect(explainFailure('x', 'could not extend file "base/1/2": No space left on device').code).toBe('NO_SPACE');
});

test('what said nothing is told by what was done, with the code that was given', () => {
  const error = explainFailure('pg_dump failed', '  \n', 'TOOL_FAILED');
  expect([error.message, error.code]).toEqual(['pg_dump failed', 'TOOL_FAILED']);
});

test('the words are those of the server, on one line without the names of programs and their own queries', () => {
  expect(
    explainFailure('x', 'pg_dump: error: query failed: ERROR:  boom\npg_dump: detail: Query was: SELECT 1').message,
  ).toBe('x: query failed: ERROR:  boom');
});

describe('rows are not shown', () => {
  test.each([
    'CONTEXT:  COPY users, line 3: "7\thunter2\tx"',
    'CONTEXT:  COPY users, line 3, column name: "hunter2"',
    'DETAIL:  Failing row contains (1, hunter2).',
    'DETAIL:  Key (name)=(hunter2) already exists.',
    'ERROR:  invalid input syntax for type integer: "hunter2"',
    'ERROR:  invalid input value for enum mood: "hunter2"',
    'ERROR:  date/time field value out of range: "hunter2"',
  ])('%s', (said) => {
    expect(explainFailure('x', said).message).not.toContain('hunter2');
    expect(explainFailure('x', said).message.length).toBeGreaterThan('x: ERROR:'.length);
  });
});
