import { DbopsError } from '../../../core/errors.ts';
import type { Query } from '../connection/query.ts';
import { oidArray } from '../facts/sql-text.ts';
import type { PresentTable } from './present-tables.ts';
import { labelOf } from './table-script.ts';

/**
 * Finds what of other objects refers to tables that are about to move away, and would go on referring to them. Gives the
 * statements that lead each to the tables of the same names again; to be run when those are there. They change objects
 * in place, so that their owners, grants and comments stay.
 * @throws DbopsError REFUSED that names those for which there is no such statement
 */
export async function planReturn(query: Query, moved: readonly PresentTable[]): Promise<readonly string[]> {
  const rows = await query(dependentsOf(oidArray(moved.map(({ oid }) => oid))));
  const stuck = rows.filter(({ statement }) => statement === null).map(({ description }) => description ?? '');
  if (stuck.length === 0) return rows.map(({ statement }) => statement ?? '');
  const rest = stuck.length > 5 ? ` and ${stuck.length - 5} more` : '';
  const names = moved.length > 3 ? `${moved.length} tables` : moved.map(labelOf).join(', ');
  throw new DbopsError('REFUSED', `${stuck.slice(0, 5).join(', ')}${rest} would go on using the old ${names}`, {
    hint: 'Nothing was changed. Drop or change these first and make them again afterwards, or restore into another database.',
  });
}

/**
 * `thing` are the tables and all that goes with them, by the catalogs of the manual's chapter 53; `foreign` is what
 * depends on one of those and does not go with them. Foreign keys are left to others.
 */
function dependentsOf(moved: string): string {
  return `
    WITH moved AS (SELECT pg_catalog.unnest(${moved}) AS oid), owned AS (
      SELECT d.objid AS oid FROM pg_depend d JOIN moved ON d.refobjid = moved.oid JOIN pg_class s ON s.oid = d.objid
      WHERE d.classid = 'pg_class'::regclass AND d.refclassid = d.classid AND d.deptype IN ('a', 'i')
        AND d.refobjsubid > 0 AND s.relkind = 'S'
    ), relation AS (
      SELECT oid FROM moved UNION SELECT oid FROM owned
      UNION SELECT indexrelid FROM pg_index JOIN moved ON indrelid = moved.oid
    ), own_type AS (
      SELECT t.oid FROM pg_type t JOIN moved ON t.typrelid = moved.oid
      UNION SELECT t.typarray FROM pg_type t JOIN moved ON t.typrelid = moved.oid WHERE t.typarray <> 0
    ), thing AS (
      SELECT 'pg_class'::regclass::oid AS catalog, oid FROM relation
      UNION ALL SELECT 'pg_type'::regclass, oid FROM own_type
      UNION ALL SELECT 'pg_constraint'::regclass, k.oid FROM pg_constraint k JOIN moved ON k.conrelid = moved.oid
    ), dependent AS (
      SELECT d.classid, d.objid, bool_or(d.refclassid = 'pg_type'::regclass) AS by_type
      FROM pg_depend d JOIN thing ON (thing.catalog, thing.oid) = (d.refclassid, d.refobjid) GROUP BY 1, 2
    )
    SELECT regexp_replace(pg_describe_object(d.classid, d.objid, 0), '^rule _RETURN on ', '') AS description,
      CASE
        WHEN v.relkind = 'v' AND r.rulename = '_RETURN' THEN ${viewStatement}
        WHEN f.oid IS NOT NULL AND NOT d.by_type AND to_jsonb(f) ->> 'prosqlbody' IS NOT NULL THEN pg_get_functiondef(f.oid)
        WHEN p.oid IS NOT NULL THEN ${policyStatement}
        WHEN a.oid IS NOT NULL THEN ${defaultStatement}
      END AS statement
    FROM dependent d
    LEFT JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
    LEFT JOIN pg_class v ON v.oid = r.ev_class
    LEFT JOIN pg_proc f ON d.classid = 'pg_proc'::regclass AND f.oid = d.objid
    LEFT JOIN pg_policy p ON d.classid = 'pg_policy'::regclass AND p.oid = d.objid
    LEFT JOIN pg_attrdef a ON d.classid = 'pg_attrdef'::regclass AND a.oid = d.objid
    LEFT JOIN pg_trigger t ON d.classid = 'pg_trigger'::regclass AND t.oid = d.objid
    LEFT JOIN pg_constraint k ON d.classid = 'pg_constraint'::regclass AND k.oid = d.objid
    LEFT JOIN pg_statistic_ext s ON d.classid = 'pg_statistic_ext'::regclass AND s.oid = d.objid
    LEFT JOIN pg_class c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid
    LEFT JOIN pg_type y ON d.classid = 'pg_type'::regclass AND y.oid = d.objid
    WHERE coalesce(r.ev_class, p.polrelid, a.adrelid, t.tgrelid, k.conrelid, s.stxrelid, 0) NOT IN (SELECT oid FROM moved)
      AND NOT coalesce(t.tgisinternal, k.contype = 'f', c.relkind = 't' OR c.oid IN (SELECT oid FROM relation),
        y.oid IN (SELECT oid FROM own_type), false)
    ORDER BY 1`;
}

const viewStatement = `format('CREATE OR REPLACE VIEW %s%s AS %s', v.oid::regclass,
  (SELECT ' WITH (' || string_agg(format('%I = %L', split_part(o, '=', 1), substr(o, strpos(o, '=') + 1)), ', ') || ')'
    FROM unnest(v.reloptions) AS o), rtrim(pg_get_viewdef(v.oid), ';'))`;

const policyStatement = `format('ALTER POLICY %I ON %s', p.polname, p.polrelid::regclass)
  || coalesce(' USING (' || pg_get_expr(p.polqual, p.polrelid) || ')', '')
  || coalesce(' WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')', '')`;

const defaultStatement = `(SELECT format('ALTER TABLE %s ALTER COLUMN %I SET DEFAULT %s', a.adrelid::regclass, attname,
  pg_get_expr(a.adbin, a.adrelid)) FROM pg_attribute WHERE attrelid = a.adrelid AND attnum = a.adnum AND attgenerated = '')`;
