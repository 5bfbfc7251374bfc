import { DbopsError, messageOf } from '../../../core/errors.ts';
import type { LedgerEvent } from '../../../core/migrations/ledger.ts';
import type { MigrationStep, StepResult } from '../../../core/ports/migration-target.ts';
import { systemClock } from '../../../platform/clock.ts';
import { inTransaction } from './in-transaction.ts';
import { changes, insertEvent } from './ledger-table.ts';
import { changeOf, runStatement, type RunContext } from './run.ts';

/**
 * Runs a script statement by statement, each for itself, and records after each how far it is. A statement that was cut
 * off may have been done or not: it is run again, and the server says when it cannot be done twice.
 */
export async function runStatements(context: RunContext, step: MigrationStep): Promise<StepResult> {
  const started = systemClock.now().getTime();
  const { worker, table } = context;
  const { statements, file } = step.script;
  const { query } = await worker.session();
  await query(`SET lock_timeout = ${step.lockTimeoutMs}`);
  for (const [index, statement] of statements.entries()) {
    if (index < step.statementsDone) continue;
    try {
      await runStatement(query, statement, file);
    } catch (error) {
      throw stopped(error, index, step);
    }
    if (index + 1 < statements.length) await query(insertEvent(progress(step.event, index + 1), table));
  }
  await worker.reset();
  const durationMs = systemClock.now().getTime() - started;
  const event = { ...step.event, durationMs };
  await inTransaction(query, [insertEvent(event, table), ...changes(changeOf(event), table)]);
  return { outcome: 'done', durationMs, warnings: [] };
}

function progress(event: LedgerEvent, statements: number): LedgerEvent {
  return { ...event, id: `${event.id}-${statements}`, outcome: 'progress', statements, rollback: null };
}

function stopped(error: unknown, done: number, { script }: MigrationStep): unknown {
  if (!(error instanceof DbopsError)) return error;
  const count = script.statements.length;
  return new DbopsError(error.code, messageOf(error), {
    hint: `${done} of ${count} statements are done and stay; running this again goes on with number ${done + 1}. Correct only that one and those after it.`,
    cause: error,
  });
}
