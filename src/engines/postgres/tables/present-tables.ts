import { DbopsError } from '../../../core/errors.ts';
import type { Query } from '../connection/query.ts';
import { oidArray, quoteIdentifier, quoteLiteral } from '../facts/sql-text.ts';
import { labelOf, type TableName } from './table-script.ts';

/** A table that stands where one is to be restored, or a partition of one. */
export interface PresentTable extends TableName {
  readonly oid: string;
}

/**
 * Tables that have these names.
 * @throws DbopsError REFUSED when something else has one of them
 */
export async function findPresent(query: Query, tables: readonly TableName[]): Promise<readonly PresentTable[]> {
  const rows = await query(`
    SELECT c.oid, n.nspname AS schema, c.relname AS name, c.relkind IN ('r', 'p', 'f') AS "isTable"
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE (n.nspname, c.relname) IN (${tables.map(pairOf).join(', ')}) ORDER BY 2, 3`);
  const found = rows.map((row) => ({ ...readTable(row), isTable: row['isTable'] === 't' }));
  const other = found.find(({ isTable }) => !isTable);
  if (other === undefined) return found;
  throw new DbopsError('REFUSED', `${labelOf(other)} is something else than a table there`, {
    hint: 'Nothing was changed. Rename that view, sequence or index first, or restore into another database.',
  });
}

function pairOf({ schema, name }: TableName): string {
  return `(${quoteLiteral(schema)}, ${quoteLiteral(name)})`;
}

/** Locks them against everybody, and gives them with their partitions, those that no backup knows among them. */
export async function lockPresent(query: Query, tables: readonly TableName[]): Promise<readonly PresentTable[]> {
  const before = await findPresent(query, tables);
  const lockable = await query(
    `SELECT oid FROM pg_catalog.pg_class WHERE relkind <> 'f' AND oid = ANY (${oidArray(before.map(({ oid }) => oid))})`,
  );
  const oids = new Set(lockable.map((row) => row['oid']));
  const names = before.filter(({ oid }) => oids.has(oid)).map(sqlName);
  if (names.length > 0) await query(`LOCK TABLE ${names.join(', ')} IN ACCESS EXCLUSIVE MODE`);
  const present = await findPresent(query, tables);
  const rows = await query(`
    WITH RECURSIVE moved (oid) AS (
      SELECT pg_catalog.unnest(${oidArray(present.map(({ oid }) => oid))})
      UNION SELECT i.inhrelid FROM moved m JOIN pg_catalog.pg_inherits i ON i.inhparent = m.oid
        JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid WHERE c.relispartition
    )
    SELECT c.oid, n.nspname AS schema, c.relname AS name FROM moved JOIN pg_catalog.pg_class c USING (oid)
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace ORDER BY 2, 3`);
  return rows.map(readTable);
}

function readTable(row: Readonly<Record<string, string | null>>): PresentTable {
  return { oid: row['oid'] ?? '', schema: row['schema'] ?? '', name: row['name'] ?? '' };
}

/** The name as SQL takes it. */
export function sqlName({ schema, name }: TableName): string {
  return `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`;
}
