import { DbopsError } from '../../../core/errors.ts';
import { SqlError, type Query } from '../connection/query.ts';
import { oidArray } from '../facts/sql-text.ts';
import type { PresentTable } from './present-tables.ts';

/** A foreign key of a table that stays, to one that moves. */
export interface InboundKey {
  readonly table: string;
  readonly name: string;
  readonly drop: string;
  readonly add: readonly string[];
}

/**
 * Foreign keys of other tables that refer to these, or to tables above them, which do not let go of a partition with rows
 * that are referred to; with the statements that drop and make them.
 */
export async function findInboundKeys(query: Query, moved: readonly PresentTable[]): Promise<readonly InboundKey[]> {
  const oids = oidArray(moved.map(({ oid }) => oid));
  const rows = await query(`
    WITH RECURSIVE referred (oid) AS (
      SELECT pg_catalog.unnest(${oids})
      UNION SELECT i.inhparent FROM referred r JOIN pg_inherits i ON i.inhrelid = r.oid
        JOIN pg_class c ON c.oid = i.inhrelid WHERE c.relispartition
    )
    SELECT conrelid::regclass::text AS "table", quote_ident(conname) AS name, pg_get_constraintdef(oid) AS definition,
      quote_literal(obj_description(oid, 'pg_constraint')) AS comment
    FROM pg_constraint
    WHERE contype = 'f' AND conparentid = 0 AND confrelid IN (SELECT oid FROM referred) AND NOT conrelid = ANY (${oids})
    ORDER BY 1, 2`);
  return rows.map(({ table, name, definition, comment }) => ({
    table: table ?? '',
    name: name ?? '',
    drop: `ALTER TABLE ${table} DROP CONSTRAINT ${name}`,
    add: [
      `ALTER TABLE ${table} ADD CONSTRAINT ${name} ${definition}`,
      ...(comment === null ? [] : [`COMMENT ON CONSTRAINT ${name} ON ${table} IS ${comment}`]),
    ],
  }));
}

/**
 * Statements that free the moved tables of their own foreign keys to tables that stay: those would go on refusing what is
 * done there because of rows that are only kept.
 */
export async function dropOutboundKeys(query: Query, moved: readonly PresentTable[]): Promise<readonly string[]> {
  const oids = oidArray(moved.map(({ oid }) => oid));
  const rows = await query(`
    SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname) AS statement
    FROM pg_constraint
    WHERE contype = 'f' AND conparentid = 0 AND conrelid = ANY (${oids}) AND NOT confrelid = ANY (${oids}) ORDER BY 1`);
  return rows.map(({ statement }) => statement ?? '');
}

/** @throws DbopsError REFUSED when rows there refer to rows that the restored table does not have */
export async function addInboundKeys(query: Query, keys: readonly InboundKey[]): Promise<void> {
  for (const { table, name, add } of keys) {
    for (const statement of add) {
      await query(statement).catch((error: unknown) => {
        if (!(error instanceof SqlError) || error.state !== '23503') throw error;
        throw new DbopsError('REFUSED', `rows of ${table} refer to rows that the backup does not have (${name})`, {
          hint: `Nothing was changed. Restore ${table} too, or remove those rows of it first.`,
          cause: error,
        });
      });
    }
  }
}
