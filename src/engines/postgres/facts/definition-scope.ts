import type { ResolvedSelection } from './resolved-selection.ts';
import { oidArray } from './sql-text.ts';

export interface DefinitionQuery {
  /** Plural, as in a message: `definitions of indexes`. */
  readonly name: string;
  /** Gives one text column: a line for each object, the same for the same object wherever it is. */
  readonly sql: string;
  /** Compares only between servers of one major version. */
  readonly printed: boolean;
}

/** SQL conditions that keep a query to the objects that a dump holds. */
export interface Scope {
  /** The object with this oid in that catalogue belongs to no extension. */
  own(catalogue: string, oid: string): string;
  /** The column, an oid of a relation, is of one that is dumped. */
  relation(oid: string): string;
  /** The column, an oid of a relation, is of one whose rows are dumped. */
  data(oid: string): string;
  /** The column, an oid of a schema, is of one whose objects are dumped. */
  schema(oid: string): string;
}

/** The conditions for a selection. */
export function scopeOf(selection: ResolvedSelection): Scope {
  // A relation of an extension is dumped for its rows only.
  const defined = selection.relations.filter(({ condition }) => condition === undefined);
  const relations = oidArray(defined.map(({ oid }) => oid));
  const system = (oid: string): string =>
    `${oid} IN (SELECT oid FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema')`;
  const schemas = selection.schemas;
  return {
    own: (catalogue, oid) =>
      `NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = '${catalogue}'::regclass AND e.objid = ${oid} AND e.deptype = 'e')`,
    data: (oid) =>
      `${oid} = ANY (${oidArray(defined.filter(({ hasData }) => hasData).map((relation) => relation.oid))})`,
    relation: (oid) => `${oid} = ANY (${relations})`,
    schema: (oid) => (schemas === undefined ? system(oid) : `${system(oid)} AND ${oid} = ANY (${oidArray(schemas)})`),
  };
}

/** The name of an object with its schema, for comparing. */
export function qualified(schema: string, name: string): string {
  return `format('%I.%I', ${schema}, ${name})`;
}

/** A line of unambiguous text from several values. */
export function line(...values: readonly string[]): string {
  return `json_build_array(${values.join(', ')})::text`;
}

/** Options of an object, whose order means nothing. */
export function sorted(list: string): string {
  return `(SELECT array_agg(o ORDER BY o COLLATE "C") FROM unnest(${list}) o)`;
}
