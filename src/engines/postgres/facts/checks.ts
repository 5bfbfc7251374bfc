import type { Check, CheckResult } from '../../../core/ports/engine.ts';
import { type Query, SqlError } from '../connection/query.ts';
import { inSavepoint } from './savepoint.ts';
import { readValue } from './sql-text.ts';

/**
 * Runs the user's checks in the session's transaction, which must be one that only reads. Their text reaches the server as
 * data: it is hexadecimal until the server itself opens a cursor for it, which takes exactly one statement that gives rows.
 * Needs the language plpgsql, which every database has unless somebody dropped it.
 */
export async function runChecks(query: Query, checks: readonly Check[]): Promise<CheckResult[]> {
  const results: CheckResult[] = [];
  for (const check of checks) results.push(await runCheck(query, check));
  return results;
}

const countedRows = 1_000;

async function runCheck(query: Query, { name, sql }: Check): Promise<CheckResult> {
  try {
    const rows = await inSavepoint(query, () => countRows(query, sql));
    return { name, ok: rows === 0, rows };
  } catch (error) {
    if (!(error instanceof SqlError)) throw error;
    return { name, ok: false, rows: 0, error: error.message };
  }
}

async function countRows(query: Query, sql: string): Promise<number> {
  // As the application has it, not as facts need it.
  for (const setting of applicationSettings) await query(`RESET ${setting}`);
  await query(counting(sql));
  return Number(await readValue(query, "pg_catalog.current_setting('dbops.check_rows')"));
}

const applicationSettings = [
  'search_path',
  'DateStyle',
  'IntervalStyle',
  'TimeZone',
  'extra_float_digits',
  'lc_monetary',
];

function counting(sql: string): string {
  const text = `pg_catalog.convert_from('\\x${Buffer.from(sql, 'utf8').toString('hex')}'::bytea, 'UTF8')`;
  return `
    DO LANGUAGE plpgsql $dbops$
    DECLARE
      found refcursor;
      counted bigint;
    BEGIN
      OPEN found FOR EXECUTE ${text};
      MOVE FORWARD ${countedRows} IN found;
      GET DIAGNOSTICS counted = ROW_COUNT;
      PERFORM pg_catalog.set_config('dbops.check_rows', counted::text, true);
    END
    $dbops$`;
}
