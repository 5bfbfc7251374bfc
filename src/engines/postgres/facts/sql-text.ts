import { createHash } from 'node:crypto';
import type { Query } from '../connection/query.ts';

/** A name as SQL takes it, always in quotes: which words need them differs between versions of the server. */
export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A text literal; relies on `standard_conforming_strings`, which `sessionSettings` turns on. */
export function quoteLiteral(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/**
 * `schema.name` for people and for comparisons: quotes only where there is more than small letters, digits and `_`. Not
 * the server's `quote_ident`, because that also quotes keywords, and every version has other ones.
 */
export function showName(schema: string, name: string): string {
  return `${showIdentifier(schema)}.${showIdentifier(name)}`;
}

export function showIdentifier(name: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(name) ? name : quoteIdentifier(name);
}

/** A list of oids as SQL; ids that are none cannot get in. */
export function oidArray(oids: readonly string[]): string {
  return `'{${oids.filter((oid) => /^\d+$/.test(oid)).join(',')}}'::pg_catalog.oid[]`;
}

/** One value of a statement that gives one row. */
export async function readValue(query: Query, expression: string): Promise<string | null> {
  const [row] = await query(`SELECT (${expression})::text AS value`);
  return row?.['value'] ?? null;
}

/** `150018` for 15.18. */
export async function readVersion(query: Query): Promise<number> {
  return Number(await readValue(query, "pg_catalog.current_setting('server_version_num')"));
}

/** True on a server that replays another one's changes. */
export async function readStandby(query: Query): Promise<boolean> {
  return (await readValue(query, 'pg_catalog.pg_is_in_recovery()')) === 'true';
}

export const none = 'none';

/** A count and a short digest: fit for a message that two of them differ. */
export function summary(count: number, digest: string): string {
  return count === 0 ? none : `${count} (${digest.slice(0, 32)})`;
}

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
