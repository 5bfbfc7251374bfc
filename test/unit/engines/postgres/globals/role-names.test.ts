import { expect, test } from 'vitest';
import { rolesIn } from '../../../../../src/engines/postgres/globals/role-names.ts';

const script = String.raw`--
-- Roles: CREATE ROLE comment;
\restrict 43OAcAR6BhTy6cqbpun57b2aqQDXBambylac8PMTkPtfgZfknPY4bf6CNBZHfe9
\echo CREATE ROLE meta;
SET client_encoding = 'UTF8';
CREATE ROLE plain;
ALTER ROLE plain WITH NOSUPERUSER PASSWORD 'SCRAM-SHA-256$4096:x==$y=:z=';
CREATE ROLE "we""ird
 role;--";
CREATE ROLE "Ünï";
COMMENT ON ROLE "Ünï" IS 'CREATE ROLE fake; it''s
CREATE ROLE fake2;';
COMMENT ON ROLE plain IS E'\'CREATE ROLE fake3; \\';
/* CREATE ROLE fake4; */
DO $do$ CREATE ROLE fake5; $do$;
CREATE ROLE Folded; CREATE USER "user"; create group staff;
ALTER ROLE "Ünï" SET search_path TO 'a', 'B c';
GRANT "Ünï" TO plain WITH ADMIN OPTION GRANTED BY postgres;
CREATE ROLE plain;
CREATE TABLESPACE "t s" OWNER plain LOCATION '/x';
`;

test('roles are read from statements only, with their true names', () => {
  expect(rolesIn(script)).toEqual(['plain', 'we"ird\n role;--', 'Ünï', 'folded', 'user', 'staff']);
});

test.each([
  "CREATE ROLE a; COMMENT 'CREATE ROLE b;",
  'CREATE ROLE a; /* CREATE ROLE b;',
  'CREATE ROLE a; $$ CREATE ROLE b;',
])('what was cut off gives no role that was not there: %s', (cut) => {
  expect(rolesIn(cut)).toEqual(['a']);
});

test('nothing gives nothing, and a name that is cut off is none', () => {
  expect(rolesIn('')).toEqual([]);
  expect(rolesIn('CREATE ROLE')).toEqual([]);
  expect(rolesIn('CREATE ROLE "cut')).toEqual([]);
});

test('long strings are passed over in one sweep', () => {
  const long = 'x'.repeat(5_000_000);
  expect(rolesIn(`CREATE ROLE a; COMMENT '${long}'; COMMENT E'${long}\\''; CREATE ROLE b`)).toEqual(['a', 'b']);
});
