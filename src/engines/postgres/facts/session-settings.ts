import type { Query } from '../connection/query.ts';

/**
 * Statements that every session has to run before facts are read in it, so that the same data gives the same text
 * whatever was set for the role or the database, and on any server from 13 to 18. Row security is turned off, which
 * makes the server refuse where it would otherwise show a part of the rows.
 */
export const sessionSettings: readonly string[] = [
  'SET search_path = pg_catalog',
  'SET standard_conforming_strings = on',
  'SET quote_all_identifiers = on',
  "SET DateStyle = 'ISO, YMD'",
  "SET IntervalStyle = 'postgres'",
  "SET TimeZone = 'UTC'",
  'SET extra_float_digits = 3',
  "SET bytea_output = 'hex'",
  "SET lc_monetary = 'C'",
  "SET xmlbinary = 'base64'",
  'SET row_security = off',
  // Compiling a statement costs more than it gains on the short ones, and they are most of them.
  'SET jit = off',
];

/** Runs them, and lifts every limit that may be set for the role but that on the wait for locks. */
export async function applySettings(query: Query, lockTimeoutMs: number): Promise<void> {
  await query(`SET lock_timeout = ${lockTimeoutMs}`);
  await query('SET statement_timeout = 0');
  await query('SET idle_in_transaction_session_timeout = 0');
  // Only newer servers have these.
  await query(
    "SELECT pg_catalog.set_config(name, '0', false) FROM pg_catalog.pg_settings WHERE name IN ('transaction_timeout', 'idle_session_timeout')",
  );
  for (const setting of sessionSettings) await query(setting);
}
