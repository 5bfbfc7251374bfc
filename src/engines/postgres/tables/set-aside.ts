import type { Query } from '../connection/query.ts';
import { oidArray, quoteIdentifier, quoteLiteral } from '../facts/sql-text.ts';
import { planReturn } from './dependents.ts';
import { addInboundKeys, dropOutboundKeys, findInboundKeys } from './foreign-keys.ts';
import { sqlName, type PresentTable } from './present-tables.ts';
import { copyRights } from './rights.ts';

/** Tables that were moved out of the way, inside an open transaction. */
export interface AsideTables {
  /** The schemas in which they are kept. */
  readonly schemas: readonly string[];
  /** Leads all that used them to those which have their names now, and gives these the same owners and grants. */
  reconnect(): Promise<void>;
}

/**
 * Moves tables with their indexes, sequences, statistics and constraints into a schema of their own. They keep nothing
 * that acts on other tables: their foreign keys to those are dropped.
 * @throws DbopsError REFUSED when something cannot be led from them to the restored ones
 */
export async function setAside(query: Query, tables: readonly PresentTable[], stamp: string): Promise<AsideTables> {
  const returns = await planReturn(query, tables);
  const inbound = await findInboundKeys(query, tables);
  for (const { drop } of inbound) await query(drop);
  const partitions = await detach(query, tables);
  for (const statement of await dropOutboundKeys(query, tables)) await query(statement);
  const kept = keptSchemas(tables, stamp);
  for (const name of kept.values()) {
    await query(`CREATE SCHEMA ${quoteIdentifier(name)}`);
    await query(`COMMENT ON SCHEMA ${quoteIdentifier(name)} IS 'dbops: tables that a restore replaced'`);
  }
  const move = (kind: string, name: { schema: string; name: string }): Promise<unknown> =>
    query(`ALTER ${kind} ${sqlName(name)} SET SCHEMA ${quoteIdentifier(kept.get(name.schema) ?? '')}`);
  for (const statistics of await readStatistics(query, tables)) {
    if (!kept.has(statistics.schema)) continue;
    await move('STATISTICS', statistics);
  }
  for (const table of tables) await move('TABLE', table);
  return {
    schemas: [...kept.values()],
    reconnect: async () => {
      for (const partition of partitions) await attach(query, partition);
      for (const statement of returns) await query(statement);
      await copyRights(query, tables);
      await addInboundKeys(query, inbound);
    },
  };
}

/** One for each schema that tables come from: their names may be the same. */
function keptSchemas(tables: readonly PresentTable[], stamp: string): ReadonlyMap<string, string> {
  const base = `dbops_kept_${stamp.toLowerCase()}`;
  const from = [...new Set(tables.map(({ schema }) => schema))];
  return new Map(from.map((schema, at) => [schema, at === 0 ? base : `${base}_${at + 1}`]));
}

interface Partition {
  readonly table: PresentTable;
  readonly parent: string;
  /** `FOR VALUES …`; undefined for plain inheritance. */
  readonly bound: string | undefined;
}

/** Parts the tables from those above them, which stay. */
async function detach(query: Query, tables: readonly PresentTable[]): Promise<readonly Partition[]> {
  const oids = oidArray(tables.map(({ oid }) => oid));
  const rows = await query(`
    SELECT i.inhrelid::oid AS oid, i.inhparent::regclass::text AS parent,
      CASE WHEN c.relispartition THEN pg_get_expr(c.relpartbound, c.oid) END AS bound
    FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhrelid = ANY (${oids}) AND NOT i.inhparent = ANY (${oids}) ORDER BY i.inhrelid, i.inhseqno`);
  const found = rows.flatMap(({ oid, parent, bound }) => {
    const table = tables.find((candidate) => candidate.oid === oid);
    return table === undefined ? [] : [{ table, parent: parent ?? '', bound: bound ?? undefined }];
  });
  for (const { table, parent, bound } of found) {
    await query(
      bound === undefined
        ? `ALTER TABLE ${sqlName(table)} NO INHERIT ${parent}`
        : `ALTER TABLE ${parent} DETACH PARTITION ${sqlName(table)}`,
    );
  }
  return found;
}

/** A definition that comes from plain SQL does not say it where the table above it is not restored as well. */
async function attach(query: Query, { table, parent, bound }: Partition): Promise<void> {
  const [row] = await query(`
    SELECT 1 AS found FROM pg_inherits WHERE inhrelid = ${quoteLiteral(sqlName(table))}::regclass
    AND inhparent = ${quoteLiteral(parent)}::regclass`);
  if (row !== undefined) return;
  await query(
    bound === undefined
      ? `ALTER TABLE ${sqlName(table)} INHERIT ${parent}`
      : `ALTER TABLE ${parent} ATTACH PARTITION ${sqlName(table)} ${bound}`,
  );
}

/** They do not move with their tables. */
async function readStatistics(
  query: Query,
  tables: readonly PresentTable[],
): Promise<readonly { schema: string; name: string }[]> {
  const rows = await query(`
    SELECT n.nspname AS schema, s.stxname AS name FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = s.stxnamespace
    WHERE s.stxrelid = ANY (${oidArray(tables.map(({ oid }) => oid))})`);
  return rows.map(({ schema, name }) => ({ schema: schema ?? '', name: name ?? '' }));
}
