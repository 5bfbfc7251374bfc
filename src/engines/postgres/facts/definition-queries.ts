import { type DefinitionQuery, scopeOf } from './definition-scope.ts';
import { objectQueries } from './object-queries.ts';
import type { ResolvedSelection } from './resolved-selection.ts';
import { schemaBoundQueries } from './schema-bound-queries.ts';
import { tableBoundQueries } from './table-bound-queries.ts';

/** One query for each kind of object that the selection can hold. */
export function definitionQueries(selection: ResolvedSelection, version: number): DefinitionQuery[] {
  const scope = scopeOf(selection);
  return [
    ...tableBoundQueries(scope),
    ...(selection.scope === 'tables' ? [] : schemaBoundQueries(scope, version)),
    ...(selection.scope === 'database' ? objectQueries(scope, version, selection.whole) : []),
  ];
}
