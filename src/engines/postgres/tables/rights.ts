import type { Query } from '../connection/query.ts';
import { oidArray, quoteLiteral } from '../facts/sql-text.ts';
import type { PresentTable } from './present-tables.ts';

/**
 * Gives the tables that have now the names of replaced ones, and their sequences, the same owners and grants; what default
 * privileges have granted on the new ones goes.
 */
export async function copyRights(query: Query, replaced: readonly PresentTable[]): Promise<void> {
  const pairs = pairsOf(replaced);
  // One after the other: an owner's own rights are part of what is granted, and change with the owner.
  for (const statements of [owners(pairs), revocations(pairs), grants(pairs), columnGrants(pairs)]) {
    for (const { statement } of await query(statements)) await query(statement ?? '');
  }
}

/** Old and new tables, then old and new sequences of the same columns. Partitions that are not there any more have none. */
function pairsOf(replaced: readonly PresentTable[]): string {
  const names = replaced.map(
    ({ oid, schema, name }) => `(${Number(oid)}::oid, ${quoteLiteral(schema)}, ${quoteLiteral(name)})`,
  );
  return `
    WITH relation AS (
      SELECT v.old, c.oid AS new FROM (VALUES ${names.join(', ')}) AS v (old, nspname, relname)
      JOIN pg_namespace n ON n.nspname = v.nspname JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = v.relname
    ), owned AS (
      SELECT s.oid, d.refobjid AS relation, a.attname FROM pg_depend d
      JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S'
      JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
      WHERE d.classid = 'pg_class'::regclass AND d.refclassid = d.classid AND d.deptype IN ('a', 'i')
        AND d.refobjid = ANY (${oidArray(replaced.map(({ oid }) => oid))} || ARRAY(SELECT new FROM relation))
    ), pair AS (
      SELECT old, new, 'TABLE' AS kind FROM relation
      UNION ALL SELECT o.oid, n.oid, 'SEQUENCE' FROM relation r JOIN owned o ON o.relation = r.old
      JOIN owned n ON n.relation = r.new AND n.attname = o.attname
    )`;
}

function owners(pairs: string): string {
  return `${pairs}
    SELECT format('ALTER TABLE %s OWNER TO %I', c.oid::regclass, pg_get_userbyid(o.relowner)) AS statement
    FROM pair JOIN pg_class o ON o.oid = pair.old JOIN pg_class c ON c.oid = pair.new
    WHERE pair.kind = 'TABLE' AND o.relowner <> c.relowner`;
}

const grantee = "CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END";
const option = "CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END";

/** From an owner too: one may have given up rights. */
function revocations(pairs: string): string {
  return `${pairs}
    SELECT format('REVOKE ALL ON %s %s FROM %s', a.kind, a.new::regclass, ${grantee}) AS statement
    FROM (
      SELECT pair.kind, pair.new, x.grantee FROM pair JOIN pg_class c ON c.oid = pair.new
      CROSS JOIN LATERAL aclexplode(c.relacl) AS x WHERE x.grantee <> c.relowner
      UNION SELECT pair.kind, pair.new, c.relowner FROM pair JOIN pg_class c ON c.oid = pair.new
      JOIN pg_class o ON o.oid = pair.old WHERE o.relacl IS NOT NULL
    ) AS a`;
}

function grants(pairs: string): string {
  return `${pairs}
    SELECT format('GRANT %s ON %s %s TO %s%s', a.privilege_type, pair.kind, pair.new::regclass, ${grantee}, ${option}) AS statement
    FROM pair JOIN pg_class o ON o.oid = pair.old CROSS JOIN LATERAL aclexplode(o.relacl) AS a`;
}

function columnGrants(pairs: string): string {
  return `${pairs}
    SELECT format('GRANT %s (%I) ON %s TO %s%s', a.privilege_type, n.attname, pair.new::regclass, ${grantee}, ${option}) AS statement
    FROM pair JOIN pg_attribute o ON o.attrelid = pair.old AND o.attnum > 0 AND NOT o.attisdropped
    JOIN pg_attribute n ON n.attrelid = pair.new AND n.attname = o.attname AND NOT n.attisdropped
    CROSS JOIN LATERAL aclexplode(o.attacl) AS a WHERE pair.kind = 'TABLE'`;
}
