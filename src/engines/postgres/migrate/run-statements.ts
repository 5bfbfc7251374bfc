import { DbopsError, messageOf } from '../../../core/errors.ts';
import type { LedgerEvent } from '../../../core/migrations/ledger.ts';
import type { Statement } from '../../../core/migrations/script.ts';
import type { MigrationStep, StepResult } from '../../../core/ports/migration-target.ts';
import { systemClock } from '../../../platform/clock.ts';
import type { Query } from '../connection/query.ts';
import { inTransaction } from './in-transaction.ts';
import { changes, insertEvent } from './ledger-table.ts';
import { changeOf, runStatement, type RunContext } from './run.ts';

/**
 * Runs a script statement by statement, and records with each how far it is. One that cannot be in a transaction is recorded
 * right after: when it was cut off there it may have been done, and is run again.
 */
export async function runStatements(context: RunContext, step: MigrationStep): Promise<StepResult> {
  const started = systemClock.now().getTime();
  const { worker, table } = context;
  const { statements, file } = step.script;
  const { query } = await worker.session();
  await query(`SET lock_timeout = ${step.lockTimeoutMs}`);
  for (const [index, statement] of statements.entries()) {
    if (index < step.statementsDone) continue;
    const record = insertEvent(progress(step.event, index + 1, statement), table);
    try {
      if (statement.bare) await runStatement(query, statement, file);
      else await runWith(query, statement, file, record);
    } catch (error) {
      throw stopped(error, index, step);
    }
    if (statement.bare) await query(record);
  }
  await worker.reset();
  const durationMs = systemClock.now().getTime() - started;
  const event = { ...step.event, durationMs };
  await inTransaction(query, [insertEvent(event, table), ...changes(changeOf(event), table)]);
  return { outcome: 'done', durationMs, warnings: [] };
}

/** With its record, so that it is never done twice. */
async function runWith(query: Query, statement: Statement, file: string, record: string): Promise<void> {
  await query('BEGIN');
  try {
    await runStatement(query, statement, file);
    await query(record);
    await query('COMMIT');
  } catch (error) {
    await query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

function progress(event: LedgerEvent, statements: number, { meaningSoFar }: Statement): LedgerEvent {
  const id = `${event.id}-${statements}`;
  return { ...event, id, outcome: 'progress', statements, meaning: meaningSoFar, rollback: null };
}

function stopped(error: unknown, done: number, { script }: MigrationStep): unknown {
  if (!(error instanceof DbopsError)) return error;
  const count = script.statements.length;
  return new DbopsError(error.code, messageOf(error), {
    hint: `${done} of ${count} statements are done and stay; running this again goes on with number ${done + 1}. Correct only that one and those after it.`,
    cause: error,
  });
}
