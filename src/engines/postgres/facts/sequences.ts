import type { Facts } from '../../../core/facts.ts';
import type { Query } from '../connection/query.ts';
import type { Relation } from './relations.ts';
import { resolveSelection } from './resolved-selection.ts';
import { inSavepoint } from './savepoint.ts';
import type { Selection } from './selection.ts';
import { quoteIdentifier, readStandby, showName } from './sql-text.ts';
import { runTasks, type Task } from './tasks.ts';

/** `sequence public.t_id_seq` → `42`, or `42, not called` when 42 is still to be given out. */
export type SequenceValues = Readonly<Record<string, string>>;

/**
 * Reads the sequences whose values a dump of the selection holds. A sequence belongs to no snapshot: whoever reads it
 * sees what it is at that moment. To know what a dump beside a writer holds, read before and after it and `keepSteady`.
 */
export async function readSequences(queries: readonly Query[], selection?: Selection): Promise<SequenceValues> {
  const [query] = queries;
  if (query === undefined) throw new TypeError('sequences need a session');
  const { relations } = await resolveSelection(query, selection);
  const { tasks, finish } = planSequences(relations, await readStandby(query));
  await runTasks(queries, tasks);
  return finish();
}

/** Facts with only those sequences that stood still around the dump. */
export function withSequences(facts: Facts, steady: SequenceValues): Facts {
  const others = Object.entries(facts.properties).filter(([name]) => !name.startsWith(prefix));
  return { ...facts, properties: { ...Object.fromEntries(others), ...steady } };
}

/** The sequences that stood still between two readings; everyone else who read them in between saw the same. */
export function keepSteady(before: SequenceValues, after: SequenceValues): SequenceValues {
  return Object.fromEntries(Object.entries(before).filter(([name, value]) => after[name] === value));
}

export function planSequences(
  relations: readonly Relation[],
  isStandby: boolean,
): { readonly tasks: readonly Task[]; finish: () => SequenceValues } {
  const read = relations.filter(({ kind, hasData, unlogged }) => kind === 'S' && hasData && !(unlogged && isStandby));
  const found = new Map<Relation, string>();
  const tasks = batches(read).map((batch): Task => async (query) => {
    const rows = await inSavepoint(query, () => query(batch.map(statement).join('\nUNION ALL ')));
    for (const row of rows) {
      const relation = batch[Number(row['i'])];
      if (relation !== undefined) found.set(relation, row['value'] ?? '');
    }
  });
  return {
    tasks,
    finish: () =>
      Object.fromEntries(read.map((relation) => [`${prefix}${nameOf(relation)}`, found.get(relation) ?? ''])),
  };
}

const prefix = 'sequence ';
const batchSize = 200;

function batches(relations: readonly Relation[]): Relation[][] {
  return Array.from({ length: Math.ceil(relations.length / batchSize) }, (_, index) =>
    relations.slice(index * batchSize, (index + 1) * batchSize),
  );
}

function statement({ schema, name }: Relation, index: number): string {
  const value = "last_value::text || CASE WHEN is_called THEN '' ELSE ', not called' END";
  return `SELECT ${index} AS i, ${value} AS value FROM ${quoteIdentifier(schema)}.${quoteIdentifier(name)}`;
}

function nameOf({ schema, name }: Relation): string {
  return showName(schema, name);
}
