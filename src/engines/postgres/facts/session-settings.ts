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
