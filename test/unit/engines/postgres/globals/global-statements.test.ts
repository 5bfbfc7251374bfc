import { expect, test } from 'vitest';
import { readGlobalStatements } from '../../../../../src/engines/postgres/globals/global-statements.ts';

const script = String.raw`--
-- Roles: CREATE ROLE comment;
\restrict 43OAcAR6BhTy6cqbpun57b2aqQDXBambylac8PMTkPtfgZfknPY4bf6CNBZHfe9
SET client_encoding = 'UTF8';
CREATE ROLE plain;
ALTER ROLE plain WITH NOSUPERUSER PASSWORD 'SCRAM-SHA-256$4096:x==$y=:z=';
CREATE ROLE "we""ird
 role;--";
COMMENT ON ROLE "Ünï" IS 'CREATE ROLE fake; it''s
CREATE ROLE fake2;';
ALTER ROLE "Ünï" SET search_path TO 'a', 'B c';
ALTER ROLE "Ünï" IN DATABASE "my shop" SET work_mem TO '8MB';
GRANT "Ünï" TO plain WITH ADMIN OPTION GRANTED BY postgres;
GRANT SET ON PARAMETER "log_min_duration_statement" TO reader;
CREATE TABLESPACE "t s" OWNER plain LOCATION '/x';
GRANT ALL ON TABLESPACE "t s" TO plain;
`;

test('every statement of a script is told by what it is about', () => {
  const found = readGlobalStatements(Buffer.from(script));
  expect(found.map(({ subject, name, database }) => [subject, name, database])).toEqual([
    ['session', '', undefined],
    ['role', 'plain', undefined],
    ['role', 'plain', undefined],
    ['role', 'we"ird\n role;--', undefined],
    ['role', 'Ünï', undefined],
    ['role', 'Ünï', undefined],
    ['role', 'Ünï', 'my shop'],
    ['role', 'plain', undefined],
    ['role', 'reader', undefined],
    ['tablespace', 't s', undefined],
    ['tablespace', 't s', undefined],
  ]);
  expect(found[1]?.text.toString()).toBe('CREATE ROLE plain;');
});
