import { type DefinitionQuery, line, qualified, type Scope, sorted } from './definition-scope.ts';

const table = qualified('n.nspname', 'c.relname');
const relations = 'pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace';

/** Tables, and what a dump of single tables takes along. */
export function tableBoundQueries(scope: Scope): DefinitionQuery[] {
  const stable = { ...relationKinds(scope), ...attachedKinds(scope) };
  const printed = printedKinds(scope);
  return [
    ...Object.entries(stable).map(([name, sql]) => ({ name, sql, printed: false })),
    ...Object.entries(printed).map(([name, sql]) => ({ name, sql, printed: true })),
  ];
}

function relationKinds(scope: Scope): Record<string, string> {
  // Without its parent, a table is dumped as one that stands alone.
  const parents = `pg_inherits i WHERE i.inhrelid = c.oid AND ${scope.relation('i.inhparent')}`;
  const bases = `(SELECT array_agg(i.inhparent::regclass::text ORDER BY i.inhseqno) FROM ${parents})`;
  const bound = `CASE WHEN EXISTS (SELECT FROM ${parents}) THEN pg_get_expr(c.relpartbound, c.oid) END`;
  const populated = `CASE WHEN c.relkind = 'm' AND ${scope.data('c.oid')} THEN c.relispopulated END`;
  const owner = `(SELECT json_agg(json_build_array(d.refobjid::regclass, a.attname, d.deptype)) FROM pg_depend d
    JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid WHERE d.classid = 'pg_class'::regclass
      AND d.objid = c.oid AND d.refclassid = d.classid AND d.deptype IN ('a', 'i') AND ${scope.relation('d.refobjid')})`;
  return {
    tables: `
      SELECT ${line(table, 'c.relkind', 'c.relpersistence', 'c.relrowsecurity', 'c.relforcerowsecurity', 'c.relreplident', sorted('c.reloptions'), bases, 'c.reloftype::regtype', 'pg_get_partkeydef(c.oid)', bound, populated)}
      FROM ${relations} WHERE c.relkind <> 'S' AND ${scope.relation('c.oid')}`,
    columns: columns(scope),
    sequences: `
      SELECT ${line(table, 's.seqtypid::regtype', 's.seqstart', 's.seqincrement', 's.seqmin', 's.seqmax', 's.seqcache', 's.seqcycle', owner)}
      FROM ${relations} JOIN pg_sequence s ON s.seqrelid = c.oid WHERE ${scope.relation('c.oid')}`,
  };
}

/** A restore puts inherited columns first; for all other tables their order is part of what a table is. */
function columns(scope: Scope): string {
  const place = `CASE WHEN EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = c.oid) AND NOT c.relispartition THEN NULL
    ELSE row_number() OVER (PARTITION BY c.oid ORDER BY a.attnum) END`;
  // Since PostgreSQL 17 partitions have the identity of their parent.
  const identity = "CASE WHEN c.relispartition THEN '' ELSE a.attidentity END";
  const collation = `CASE WHEN a.attcollation <> t.typcollation THEN a.attcollation::regcollation END`;
  return `
    SELECT ${line(table, 'a.attname', place, 'format_type(a.atttypid, a.atttypmod)', 'a.attnotnull', identity, 'a.attgenerated', collation, 'pg_get_expr(d.adbin, d.adrelid)', sorted('a.attoptions'), sorted('a.attfdwoptions'))}
    FROM ${relations} JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
    WHERE c.relkind <> 'S' AND ${scope.relation('c.oid')}`;
}

function attachedKinds(scope: Scope): Record<string, string> {
  return {
    // PostgreSQL 18 keeps NOT NULL as constraints too; columns tell it in every version.
    constraints: `
      SELECT ${line(table, 'k.conname', 'k.contype', 'pg_get_constraintdef(k.oid)', 'k.convalidated')}
      FROM ${relations} JOIN pg_constraint k ON k.conrelid = c.oid
      WHERE k.contype IN ('c', 'f', 'p', 'u', 'x') AND NOT (k.contype = 'f' AND k.conparentid <> 0) AND ${scope.relation('c.oid')}`,
    indexes: `
      SELECT ${line(table, 'x.relname', 'pg_get_indexdef(x.oid)', 'i.indisclustered', 'i.indisreplident')}
      FROM ${relations} JOIN pg_index i ON i.indrelid = c.oid JOIN pg_class x ON x.oid = i.indexrelid
      WHERE (i.indisvalid OR c.relkind = 'p') AND i.indisready AND ${scope.relation('c.oid')}`,
    triggers: `
      SELECT ${line(table, 'g.tgname', 'pg_get_triggerdef(g.oid)', 'g.tgenabled')}
      FROM ${relations} JOIN pg_trigger g ON g.tgrelid = c.oid
      WHERE NOT g.tgisinternal AND g.tgparentid = 0 AND ${scope.relation('c.oid')}`,
    rules: `
      SELECT ${line(table, 'r.rulename', 'r.ev_type', 'r.ev_enabled', 'r.is_instead')}
      FROM ${relations} JOIN pg_rewrite r ON r.ev_class = c.oid
      WHERE r.rulename <> '_RETURN' AND ${scope.relation('c.oid')}`,
    policies: policies(scope, withoutQueries),
    'foreign tables': `
      SELECT ${line(table, 's.srvname', sorted('f.ftoptions'))}
      FROM ${relations} JOIN pg_foreign_table f ON f.ftrelid = c.oid JOIN pg_foreign_server s ON s.oid = f.ftserver
      WHERE ${scope.relation('c.oid')}`,
  };
}

/** An expression that holds a query reads differently in other versions, as views do. */
function withoutQueries(expression: string): string {
  return `CASE WHEN ${expression} ~ 'SELECT' THEN 'query' ELSE ${expression} END`;
}

function policies(scope: Scope, show: (expression: string) => string): string {
  const roles = `(SELECT array_agg(r.rolname ORDER BY r.rolname COLLATE "C") FROM pg_roles r WHERE r.oid = ANY (p.polroles))`;
  const using = show('pg_get_expr(p.polqual, p.polrelid)');
  const check = show('pg_get_expr(p.polwithcheck, p.polrelid)');
  return `
    SELECT ${line(table, 'p.polname', 'p.polcmd', 'p.polpermissive', roles, using, check)}
    FROM ${relations} JOIN pg_policy p ON p.polrelid = c.oid WHERE ${scope.relation('c.oid')}`;
}

function printedKinds(scope: Scope): Record<string, string> {
  return {
    views: `
      SELECT ${line(table, 'pg_get_viewdef(c.oid)')} FROM ${relations}
      WHERE c.relkind IN ('v', 'm') AND ${scope.relation('c.oid')}`,
    'actions of rules': `
      SELECT ${line(table, 'pg_get_ruledef(r.oid)')} FROM ${relations} JOIN pg_rewrite r ON r.ev_class = c.oid
      WHERE r.rulename <> '_RETURN' AND ${scope.relation('c.oid')}`,
    'expressions of policies': policies(scope, (expression) => expression),
  };
}
