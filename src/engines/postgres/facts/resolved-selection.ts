import { DbopsError } from '../../../core/errors.ts';
import type { Query } from '../connection/query.ts';
import { anySchema, listRelations, type Relation } from './relations.ts';
import type { Selection } from './selection.ts';
import { showName } from './sql-text.ts';

export interface ResolvedSelection {
  /** How much a dump holds beside tables: all objects, those of some schemas, or none. */
  readonly scope: 'database' | 'schemas' | 'tables';
  /** Nothing at all is left out, but rows. */
  readonly whole: boolean;
  readonly relations: readonly Relation[];
  /** Ids of the schemas whose objects are dumped; undefined for all. */
  readonly schemas: readonly string[] | undefined;
  readonly largeObjects: boolean;
  /** Names as facts have them: tables, partitioned tables, views, materialized views, sequences and foreign tables. */
  readonly included: readonly string[];
  /** Those of them whose rows, or values, are in the dump. */
  readonly dataIncluded: readonly string[];
}

/** Finds what pg_dump would dump. Throws NOTHING_MATCHES when that is nothing, USAGE for a malformed pattern. */
export async function resolveSelection(query: Query, selection: Selection = {}): Promise<ResolvedSelection> {
  const scope = scopeOf(selection);
  const schemas = scope === 'tables' ? undefined : await resolveSchemas(query, selection);
  const relations = (await listRelations(query, selection)).map((relation) => ({
    ...relation,
    hasData: relation.hasData && selection.schemaOnly !== true,
  }));
  return {
    scope,
    whole: scope === 'database' && !leavesOut(selection),
    relations,
    schemas,
    largeObjects: scope === 'database' && selection.schemaOnly !== true && selection.noBlobs !== true,
    included: names(relations),
    dataIncluded: names(relations.filter(({ hasData, kind }) => hasData && /[rmS]/.test(kind))),
  };
}

function scopeOf({ tables = [], schemas = [] }: Selection): ResolvedSelection['scope'] {
  if (tables.length > 0) return 'tables';
  return schemas.length > 0 ? 'schemas' : 'database';
}

function leavesOut({ excludeTables = [], excludeSchemas = [], partial = false }: Selection): boolean {
  return partial || excludeTables.length > 0 || excludeSchemas.length > 0;
}

async function resolveSchemas(
  query: Query,
  { schemas = [], excludeSchemas = [] }: Selection,
): Promise<string[] | undefined> {
  if (schemas.length === 0 && excludeSchemas.length === 0) return undefined;
  const wanted = schemas.length === 0 ? 'true' : anySchema(schemas);
  const rows = await query(
    `SELECT n.oid FROM pg_catalog.pg_namespace n WHERE ${wanted} AND NOT ${anySchema(excludeSchemas)} ORDER BY 1`,
  );
  if (schemas.length > 0 && rows.length === 0) {
    throw new DbopsError(
      'NOTHING_MATCHES',
      `no schema matches ${schemas.map((name) => JSON.stringify(name)).join(', ')}`,
      {
        hint: 'Capitals need double quotes within the pattern.',
      },
    );
  }
  return rows.map((row) => row['oid'] ?? '');
}

function names(relations: readonly Relation[]): string[] {
  return relations.map(({ schema, name }) => showName(schema, name));
}
