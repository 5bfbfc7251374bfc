import { DbopsError } from '../../../core/errors.ts';
import { formatName } from '../../../core/sql/names.ts';
import type { Query } from '../connection/query.ts';
import { quoteLiteral } from '../facts/sql-text.ts';
import { sqlName } from './present-tables.ts';
import { labelOf, type TableName } from './table-script.ts';

export interface CountedTable {
  readonly table: TableName;
  /** As people read it. */
  readonly name: string;
  /** Its own, or those of its partitions; 0 for a foreign table, whose rows are elsewhere. */
  readonly rows: number;
  /** Of another one that was restored with it. */
  readonly isPartition: boolean;
  readonly isForeign: boolean;
}

/**
 * Counts the rows of tables that have just been filled.
 * @param expected rows by table, where it is known how many there were
 * @throws DbopsError VERIFY_FAILED when there are not as many
 */
export async function countRestored(
  query: Query,
  tables: readonly TableName[],
  expected: ReadonlyMap<string, number>,
): Promise<readonly CountedTable[]> {
  const kinds = await readKinds(query, tables);
  const own = new Map<string, number>();
  for (const table of tables) {
    const key = labelOf(table);
    if (kinds.get(key)?.kind !== 'r') continue;
    const [row] = await query(`SELECT count(*)::text AS rows FROM ONLY ${sqlName(table)}`);
    own.set(key, Number(row?.['rows'] ?? 0));
  }
  const partitions = Map.groupBy(kinds, ([, { parent }]) => parent ?? '');
  const total = (key: string): number =>
    (own.get(key) ?? 0) + (partitions.get(key) ?? []).reduce((sum, [partition]) => sum + total(partition), 0);
  return tables.map((table) => {
    const name = labelOf(table);
    const rows = total(name);
    refuseDifference(name, rows, expected.get(formatName([table.schema, table.name])));
    const { kind, parent } = kinds.get(name) ?? {};
    return { table, name, rows, isPartition: parent !== undefined && kinds.has(parent), isForeign: kind === 'f' };
  });
}

async function readKinds(
  query: Query,
  tables: readonly TableName[],
): Promise<Map<string, { readonly kind: string; readonly parent: string | undefined }>> {
  const list = tables.map(({ schema, name }) => `(${quoteLiteral(schema)}, ${quoteLiteral(name)})`).join(', ');
  const rows = await query(`
    SELECT n.nspname AS schema, c.relname AS name, c.relkind AS kind, pn.nspname AS "parentSchema", p.relname AS "parentName"
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_catalog.pg_inherits i ON i.inhrelid = c.oid AND c.relispartition
    LEFT JOIN pg_catalog.pg_class p ON p.oid = i.inhparent LEFT JOIN pg_catalog.pg_namespace pn ON pn.oid = p.relnamespace
    WHERE (n.nspname, c.relname) IN (${list})`);
  return new Map(
    rows.map(({ schema, name, kind, parentSchema, parentName }) => [
      labelOf({ schema: schema ?? '', name: name ?? '' }),
      {
        kind: kind ?? '',
        parent: typeof parentName === 'string' ? labelOf({ schema: parentSchema ?? '', name: parentName }) : undefined,
      },
    ]),
  );
}

function refuseDifference(name: string, rows: number, expected: number | undefined): void {
  if (expected === undefined || expected === rows) return;
  throw new DbopsError('VERIFY_FAILED', `${name} has ${rows} rows after the restore, the backup ${expected}`, {
    hint: 'Nothing was changed. Look for a trigger or rule there that changes what is inserted.',
  });
}
