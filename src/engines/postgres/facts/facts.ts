import type { Facts } from '../../../core/facts.ts';
import type { FactLevel } from '../../../core/levels.ts';
import type { Query } from '../connection/query.ts';
import { contentMethod, definitionMethod, definitionMethodName } from './comparable.ts';
import { planDefinitions } from './definitions.ts';
import { describeLargeObjects } from './large-objects.ts';
import { type ResolvedSelection, resolveSelection } from './resolved-selection.ts';
import { digestMethod } from './row-digest.ts';
import type { Selection } from './selection.ts';
import { planSequences } from './sequences.ts';
import { readStandby, readValue, readVersion, sha256 } from './sql-text.ts';
import { planTables, type Reading } from './table-contents.ts';
import { runTasks, type Task } from './tasks.ts';

export interface FactsAndWarnings {
  readonly facts: Facts;
  readonly warnings: readonly string[];
}

export interface FactsRequest {
  readonly level: FactLevel;
  /** What the dump holds; facts are about that only, here and in a restored copy of it. */
  readonly selection?: Selection;
}

/**
 * Reads what is true of the database in the snapshot that all sessions share; they divide the work. Each must be in a
 * transaction, and have run `sessionSettings`. Materialized views are no content: a restore computes them anew. Throws
 * what `resolveSelection` throws, and the server's `SqlError` when something cannot be read; that ends the transaction of the session.
 */
export async function readFacts(queries: readonly Query[], request: FactsRequest): Promise<FactsAndWarnings> {
  const [query] = queries;
  if (query === undefined) throw new TypeError('facts need a session');
  const selection = await resolveSelection(query, request.selection);
  const isStandby = await readStandby(query);
  const reading: Reading = {
    level: request.level,
    version: await readVersion(query),
    isStandby,
    sessions: queries.length,
  };
  const tables = await planTables(query, selection.relations, reading);
  const sequences = planSequences(selection.relations, isStandby);
  const definitions = request.selection?.dataOnly === true ? nothing : planDefinitions(selection, reading.version);
  const single = planSingles(selection, request.level);
  await runTasks(queries, [...single.tasks, ...tables.tasks, ...definitions.tasks, ...sequences.tasks]);
  const { schema, properties } = definitions.finish();
  const method = request.selection?.dataOnly === true ? {} : { [definitionMethodName]: definitionMethod };
  return {
    facts: {
      schema,
      tables: tables.finish(),
      properties: { ...single.finish(), ...method, ...properties, ...sequences.finish() },
    },
    warnings: isStandby ? warnOfUnlogged(selection) : [],
  };
}

const nothing = {
  tasks: [],
  finish: (): { schema: string; properties: Record<string, string> } => ({ schema: sha256(''), properties: {} }),
};

function planSingles(
  selection: ResolvedSelection,
  level: FactLevel,
): { readonly tasks: readonly Task[]; finish: () => Facts['properties'] } {
  const found = new Map<string, string | number>();
  const tasks: Task[] = [
    async (query) => {
      found.set('encoding', (await readValue(query, 'getdatabaseencoding()')) ?? '');
      if (level === 'content') found.set(contentMethod, await digestMethod(query));
    },
  ];
  if (selection.largeObjects) {
    tasks.push(async (query) => {
      found.set('large objects', await describeLargeObjects(query, level));
    });
  }
  return { tasks, finish: () => Object.fromEntries([...found].toSorted(([a], [b]) => (a < b ? -1 : 1))) };
}

function warnOfUnlogged({ relations }: ResolvedSelection): string[] {
  const count = relations.filter(({ unlogged, hasData, kind }) => unlogged && hasData && kind === 'r').length;
  if (count === 0) return [];
  return [
    `${count} unlogged ${count === 1 ? 'table has' : 'tables have'} no rows on a standby, so the backup has none of them`,
  ];
}
