import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import type { Cluster } from './cluster.ts';

const museum = fileURLToPath(new URL('../../../fixtures/postgres/museum.sql', import.meta.url));

/**
 * Makes a database with one specimen of everything, in a second. Its roles `museum_owner`, `museum_reader` and
 * `museum "guest" =1` belong to the cluster and are shared.
 * @throws with psql's words when a statement fails.
 */
export async function loadMuseum(cluster: Cluster, database: string): Promise<void> {
  await cluster.sql(
    'postgres',
    `CREATE DATABASE "${database.replaceAll('"', '""')}" TEMPLATE template0 ENCODING 'UTF8'`,
  );
  await execa(`${cluster.binDir}/psql`, ['-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', museum], {
    env: { ...cluster.env, PGDATABASE: database },
  });
}

/**
 * Rows and digest of each table, state of each sequence, and the large objects, a line each. Partitions count with their
 * parent and columns by their name, because a restore may move the one and reorder the other.
 */
export function contentsOf(cluster: Cluster, database: string): Promise<string> {
  return cluster.sql(database, contents);
}

const contents = String.raw`
SET search_path = '';
SET timezone = 'UTC';
SET extra_float_digits = 3;
SELECT format(
  'SELECT %L, count(*), coalesce(sum(pg_catalog.hashtextextended(row_text, 0)), 0) FROM (SELECT (ARRAY[%s]::text[])::text COLLATE "C" AS row_text FROM %s %I.%I) AS rows',
  nspname || '.' || relname, columns, CASE relkind WHEN 'r' THEN 'ONLY' ELSE '' END, nspname, relname)
FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = relnamespace
CROSS JOIN LATERAL (
  SELECT string_agg(format('%I::text COLLATE "C"', attname), ', ' ORDER BY attname COLLATE "C") AS columns FROM pg_catalog.pg_attribute
  WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped
) AS listed
WHERE relkind IN ('r', 'p') AND NOT relispartition AND nspname !~ '^pg_' AND nspname <> 'information_schema'
ORDER BY nspname, relname \gexec
SELECT 'sequence', schemaname, sequencename, start_value, increment_by, last_value FROM pg_catalog.pg_sequences ORDER BY 2, 3;
SELECT 'large object', loid, pageno, length(data), pg_catalog.md5(data) FROM pg_catalog.pg_largeobject ORDER BY 2, 3;
SELECT 'large object', oid, lomowner::pg_catalog.regrole, lomacl FROM pg_catalog.pg_largeobject_metadata ORDER BY 2;
`;
