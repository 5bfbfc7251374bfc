import type { FactLevel } from '../../../core/levels.ts';
import type { Query } from '../connection/query.ts';
import { inSavepoint } from './savepoint.ts';
import { readValue, summary } from './sql-text.ts';

/**
 * How many large objects there are, and at level `content` also a digest of their ids, lengths and bytes. Pages that were
 * never written, or only in part, read as zeros, and are whole pages of zeros in a copy: both give the same digest.
 */
export async function describeLargeObjects(query: Query, level: FactLevel): Promise<string | number> {
  const count = Number(await readValue(query, 'SELECT count(*) FROM pg_largeobject_metadata'));
  if (level === 'rows' || count === 0) return count;
  const readable = (await readValue(query, "has_table_privilege('pg_largeobject', 'SELECT')")) === 'true';
  // Its end also closes the large objects that were opened to learn their lengths.
  const [row] = await inSavepoint(query, () => query(digest(readable ? stored : opened)));
  return summary(
    count,
    BigInt.asUintN(128, BigInt(row?.['sum'] ?? 0))
      .toString(16)
      .padStart(32, '0'),
  );
}

const stored = `
  SELECT loid::bigint, pageno::bigint, data, pageno::bigint * p.bytes + length(data) FROM pg_largeobject, page p`;

/** The way for roles that may read large objects, but not the catalogue that holds their pages. */
const opened = `
  SELECT o.loid, g.pageno, lo_get(o.loid::oid, g.pageno * p.bytes, p.bytes::int), o.length
  FROM page p, (
    SELECT m.oid::bigint AS loid, lo_lseek64(lo_open(m.oid, 262144), 0, 2) AS length
    FROM pg_largeobject_metadata m OFFSET 0
  ) o, LATERAL generate_series(0, (o.length - 1) / p.bytes) g (pageno) WHERE o.length > 0`;

/** A page is a quarter of a block (PostgreSQL manual, "pg_largeobject"). */
function digest(pages: string): string {
  const bytes = `rtrim(encode(data, 'hex'), '0')`;
  const hash = (...values: readonly string[]): string =>
    `hashint8extended(hash_array_extended(ARRAY[${values.join(', ')}]::bigint[], 1), 1)`;
  return `
    WITH page AS (SELECT current_setting('block_size')::bigint / 4 AS bytes),
    piece (loid, pageno, data, ending) AS (${pages}),
    object AS (
      SELECT loid, max(ending) AS length,
        sum(${hash('loid', 'pageno', `hashtextextended(${bytes} COLLATE "C", 1)`)}) FILTER (WHERE ${bytes} <> '') AS sum
      FROM piece GROUP BY loid)
    SELECT (
      coalesce((SELECT sum(coalesce(sum, 0) + ${hash('loid', 'length')}) FROM object), 0)
      + (SELECT sum(hashint8extended(oid::bigint, 1)) FROM pg_largeobject_metadata)
    )::text AS sum`;
}
