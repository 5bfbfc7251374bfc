import { DbopsError } from '../../../core/errors.ts';
import { type Query, type Row, SqlError } from '../connection/query.ts';
import { matches, parsePattern } from './name-pattern.ts';
import { inSavepoint } from './savepoint.ts';
import type { Selection } from './selection.ts';
import { quoteLiteral } from './sql-text.ts';

/** Something with a row in `pg_class` that a dump of the selection holds. */
export interface Relation {
  readonly oid: string;
  readonly schemaOid: string;
  readonly schema: string;
  readonly name: string;
  /** `relkind`: r table, p partitioned table, v view, m materialized view, S sequence, f foreign table. */
  readonly kind: string;
  readonly bytes: number;
  /** The dump holds its rows or its value too. */
  readonly hasData: boolean;
  /** It has no rows to be read on a standby. */
  readonly unlogged: boolean;
  /** Set for a table of an extension: which of its rows are the user's, as `WHERE …`, or an empty text for all. */
  readonly condition: string | undefined;
}

/**
 * The relations that pg_dump would dump for this selection, by name. As pg_dump does, a pattern without schema is looked
 * up in the search path that the role has by default. Throws NOTHING_MATCHES where pg_dump would find nothing to
 * do, USAGE for a malformed pattern.
 */
export async function listRelations(query: Query, selection: Selection): Promise<Relation[]> {
  await refuseOtherDatabase(query, selection);
  const rows = await inSavepoint(query, async () => {
    await query('RESET search_path');
    return query(listing(selection));
  }).catch((error: unknown) => {
    throw error instanceof SqlError && error.state === '2201B'
      ? new DbopsError('USAGE', `a pattern is no regular expression: ${error.message}`, { cause: error })
      : error;
  });
  const patterns = [...(selection.tables ?? []), ...(selection.schemas ?? [])];
  if (patterns.length > 0 && rows.length === 0 && (selection.tables ?? []).length > 0) throw nothingMatches(patterns);
  return rows.map(toRelation);
}

const systemSchemas = "n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'";

/** A sequence that a column owns goes with its table, also if it is excluded by name; one of an identity never alone. */
function listing(selection: Selection): string {
  return `
    WITH owned AS (
      SELECT d.objid AS sequence, d.refobjid AS owner, d.deptype = 'i' AS identity FROM pg_catalog.pg_depend d
      WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refclassid = d.classid
        AND d.deptype IN ('a', 'i') AND d.refobjsubid <> 0
    ), member AS (
      SELECT d.objid AS relation, bool_or(e.extconfig IS NOT NULL AND d.objid = ANY (e.extconfig)) AS configured,
        max(e.extcondition[array_position(e.extconfig, d.objid)]) AS condition
      FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid
      WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.deptype = 'e'
        AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
      GROUP BY d.objid
    ), found AS (
      SELECT c.oid, n.oid AS "schemaOid", n.nspname, c.relname, c.relkind, c.relpersistence, m.configured, m.condition,
        o.owner, o.identity, ${included(selection)} AS included, ${anyTable(selection.excludeTables)} AS excluded,
        ${anyTable(selection.excludeTableData)} AS "withoutData"
      FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      LEFT JOIN member m ON m.relation = c.oid
      LEFT JOIN owned o ON o.sequence = c.oid AND c.relkind = 'S'
      WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND c.relpersistence <> 't' AND ${systemSchemas}
        AND (m.relation IS NULL OR m.configured AND c.relkind IN ('r', 'S'))
    )
    SELECT f.oid, f."schemaOid", f.nspname AS schema, f.relname AS name, f.relkind AS kind, f.condition, f.configured,
      f."withoutData", f.relpersistence = 'u' AS unlogged,
      CASE f.relkind WHEN 'r' THEN pg_catalog.pg_relation_size(f.oid) END AS bytes
    FROM found f LEFT JOIN found t ON t.oid = f.owner
    WHERE f.included AND NOT f.excluded AND NOT coalesce(f.identity, false) OR t.included AND NOT t.excluded
    ORDER BY f.nspname COLLATE "C", f.relname COLLATE "C"`;
}

function included(selection: Selection): string {
  const { tables = [], schemas = [], excludeSchemas = [] } = selection;
  if (tables.length > 0) return anyTable(tables);
  const wanted = schemas.length === 0 ? 'true' : anySchema(schemas);
  return `(${wanted} AND NOT ${anySchema(excludeSchemas)})`;
}

function anyTable(patterns: readonly string[] = []): string {
  return anyOf(patterns, (pattern) => {
    const { schema, name } = parsePattern(pattern);
    const place = schema === undefined ? 'pg_catalog.pg_table_is_visible(c.oid)' : matches('n.nspname', schema);
    return `(${matches('c.relname', name)} AND ${place})`;
  });
}

/** The condition on `pg_namespace n` that one of the patterns matches. */
export function anySchema(patterns: readonly string[] = []): string {
  return anyOf(patterns, (pattern) => matches('n.nspname', schemaPattern(pattern)));
}

function schemaPattern(pattern: string): string {
  const { name, schema } = parsePattern(pattern);
  if (schema === undefined) return name;
  throw new DbopsError('USAGE', `pattern ${JSON.stringify(pattern)} has a dot, and schemas have none`, {
    hint: 'Put a schema whose name holds a dot in double quotes.',
  });
}

function anyOf(patterns: readonly string[], condition: (pattern: string) => string): string {
  return patterns.length === 0 ? 'false' : `(${patterns.map(condition).join(' OR ')})`;
}

async function refuseOtherDatabase(query: Query, selection: Selection): Promise<void> {
  const patterns = [selection.tables, selection.excludeTables, selection.excludeTableData].flatMap(
    (list) => list ?? [],
  );
  for (const pattern of patterns) {
    const { database } = parsePattern(pattern);
    if (database === undefined) continue;
    const [row] = await query(`SELECT current_database() = ${quoteLiteral(database)} AS same`);
    if (row?.['same'] === 't') continue;
    throw new DbopsError('USAGE', `pattern ${JSON.stringify(pattern)} names another database`);
  }
}

function nothingMatches(patterns: readonly string[]): DbopsError {
  return new DbopsError(
    'NOTHING_MATCHES',
    `no table matches ${patterns.map((text) => JSON.stringify(text)).join(', ')}`,
    {
      hint: 'A name without schema is looked up in the search path; capitals need double quotes.',
    },
  );
}

function toRelation(row: Row): Relation {
  return {
    oid: row['oid'] ?? '',
    schemaOid: row['schemaOid'] ?? '',
    schema: row['schema'] ?? '',
    name: row['name'] ?? '',
    kind: row['kind'] ?? '',
    bytes: Number(row['bytes'] ?? 0),
    hasData: row['withoutData'] !== 't',
    unlogged: row['unlogged'] === 't',
    condition: row['configured'] === 't' ? (row['condition'] ?? '') : undefined,
  };
}
