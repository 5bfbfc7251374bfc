import type { Query } from '../connection/query.ts';
import { showName } from '../facts/sql-text.ts';

/** What a migration may leave behind that looks done and is not. */
export async function unhealthy(query: Query): Promise<readonly string[]> {
  const indexes = await query(`
    SELECT n.nspname::text AS schema, c.relname::text AS name FROM pg_catalog.pg_index i
    JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE NOT i.indisvalid AND c.relkind = 'i' AND n.nspname !~ '^pg_' ORDER BY 1, 2`);
  const constraints = await query(`
    SELECT n.nspname::text AS schema, c.relname::text AS name, o.conname::text AS "constraint" FROM pg_catalog.pg_constraint o
    JOIN pg_catalog.pg_class c ON c.oid = o.conrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE NOT o.convalidated AND n.nspname !~ '^pg_' ORDER BY 1, 2, 3`);
  return [
    ...indexes.map(
      ({ schema, name }) =>
        `the index ${showName(schema ?? '', name ?? '')} is invalid and of no use: drop it CONCURRENTLY and build it again`,
    ),
    ...constraints.map(
      ({ schema, name, constraint }) =>
        `the constraint ${constraint} of ${showName(schema ?? '', name ?? '')} is not validated: ALTER TABLE … VALIDATE CONSTRAINT …`,
    ),
  ];
}
