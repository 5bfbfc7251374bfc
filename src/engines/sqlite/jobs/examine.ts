import Database from 'better-sqlite3';
import { messageOf } from '../../../core/errors.ts';
import type { Check, CheckResult, Examination } from '../../../core/ports/engine.ts';
import { isForeign, readFacts, tableNames } from './facts.ts';
import { foreignKeyWarnings } from './foreign-keys.ts';
import type { ExamineInput } from './job.ts';
import { quoteName } from './quote.ts';
import { explainCopy } from './sqlite-error.ts';

const mostProblems = 20;
const mostRows = 1_000;
// Lookups of the check in indexes are random: without memory for them it takes twice as long.
const cacheKib = 64 * 1024;

/**
 * Examines a file that nobody else uses: integrity, foreign keys, facts, and the user's own checks. The file is input
 * from outside, so it is opened read-only and with nothing in its schema trusted.
 */
export function examine({ path, facts, checks }: ExamineInput): Examination {
  try {
    const db = new Database(path, { readonly: true, fileMustExist: true });
    try {
      db.pragma('trusted_schema = OFF');
      db.pragma(`cache_size = -${cacheKib}`);
      const integrity = checkIntegrity(db);
      if (integrity.problems.length > 0) return { ...integrity, facts: undefined, checks: [] };
      const found = readFacts(db, facts);
      return {
        facts: found.facts,
        problems: [],
        warnings: [...integrity.warnings, ...foreignKeyWarnings(db), ...found.warnings],
        checks: checks.map((check) => runCheck(db, check)),
      };
    } finally {
      db.close();
    }
  } catch (error) {
    throw explainCopy(error, path);
  }
}

interface Integrity {
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

function checkIntegrity(db: Database.Database): Integrity {
  try {
    return judge(integrityOf(db, String(mostProblems)));
  } catch (error) {
    if (isForeign(error)) return checkTableByTable(db);
    return { problems: [damageIn(error)], warnings: [] };
  }
}

// Rows older than a rule of their table, or written around it. They are what the application has, and are kept as such.
// (Constraints with CHECK are not even read where the connection is read-only.)
const brokenRule = /^(NULL|NUMERIC|TEXT|non-\w+) value in /;

function judge(lines: readonly string[]): Integrity {
  const [warnings, problems] = [true, false].map((rule) => lines.filter((line) => brokenRule.test(line) === rule));
  return { problems: problems ?? [], warnings: warnings ?? [] };
}

function damageIn(error: unknown): string {
  if (error instanceof Database.SqliteError && /^SQLITE_(CORRUPT|NOTADB|IOERR)/.test(error.code)) return error.message;
  throw error;
}

/** With an extension of the application missing, the tables that do not need it are still checked. */
function checkTableByTable(db: Database.Database): Integrity {
  const problems: string[] = [];
  const warnings: string[] = [];
  for (const table of tableNames(db)) {
    try {
      const found = judge(integrityOf(db, quoteName(table)));
      problems.push(...found.problems);
      warnings.push(...found.warnings);
    } catch (error) {
      if (isForeign(error)) warnings.push(`table ${JSON.stringify(table)} cannot be checked here: ${messageOf(error)}`);
      else problems.push(damageIn(error));
    }
  }
  return { problems: problems.slice(0, mostProblems), warnings };
}

function integrityOf(db: Database.Database, argument: string): string[] {
  const rows = db.pragma(`integrity_check(${argument})`) as readonly { integrity_check: string }[];
  return rows.map((row) => row.integrity_check).filter((line) => line !== 'ok');
}

function runCheck(db: Database.Database, { name, sql }: Check): CheckResult {
  try {
    const statement = db.prepare(sql);
    if (!statement.reader) return { name, ok: false, rows: 0, error: 'it is not a query: write a SELECT' };
    let rows = 0;
    for (const _ of statement.iterate()) {
      rows += 1;
      if (rows === mostRows) break;
    }
    return { name, ok: rows === 0, rows };
  } catch (error) {
    return { name, ok: false, rows: 0, error: messageOf(error) };
  }
}
