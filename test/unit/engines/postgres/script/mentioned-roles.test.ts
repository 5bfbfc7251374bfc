import { expect, test } from 'vitest';
import { mentionedRoles } from '../../../../../src/engines/postgres/script/mentioned-roles.ts';

test.each([
  ['ALTER TABLE public.t OWNER TO app;', ['app']],
  ['ALTER FUNCTION f("OWNER TO" int) OWNER TO "Odd, ""one""";', ['Odd, "one"']],
  ["ALTER TABLE t ALTER c SET DEFAULT 'x OWNER TO y';", []],
  ['GRANT SELECT(id),UPDATE(name) ON TABLE t TO reader, "a b" WITH GRANT OPTION;', ['reader', 'a b']],
  ['REVOKE ALL ON SCHEMA public FROM PUBLIC;', []],
  ['REVOKE ALL ON TABLE t FROM app;', ['app']],
  ['ALTER DEFAULT PRIVILEGES FOR ROLE app IN SCHEMA s GRANT SELECT ON TABLES TO reader;', ['app', 'reader']],
  ["CREATE POLICY p ON t FOR SELECT TO reader, PUBLIC USING ((owner = 'a TO b'::name));", ['reader']],
  ['CREATE POLICY p ON t USING (true);', []],
  ["CREATE USER MAPPING FOR app SERVER far OPTIONS (password 'x');", ['app']],
  ['CREATE USER MAPPING FOR PUBLIC SERVER far;', []],
  ['CREATE SCHEMA s AUTHORIZATION app;', ['app']],
  ["SET SESSION AUTHORIZATION 'app';", ['app']],
  ['GRANT pg_read_all_data TO app;', ['app']],
  ['GRANT SELECT ON t TO pg_monitor;', []],
  ["COMMENT ON TABLE t IS 'GRANT x TO y';", []],
  ["INSERT INTO t VALUES ('OWNER TO app');", []],
])('%s', (statement, roles) => {
  expect(mentionedRoles(Buffer.from(statement))).toEqual(roles);
});
