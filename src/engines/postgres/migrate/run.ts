import { DbopsError, messageOf } from '../../../core/errors.ts';
import type { LedgerEvent } from '../../../core/migrations/ledger.ts';
import { losesRowsOf, mayLoseRows } from '../../../core/migrations/losses.ts';
import type { Statement } from '../../../core/migrations/script.ts';
import type { LedgerChange, MigrationStep, StepResult } from '../../../core/ports/migration-target.ts';
import { systemClock } from '../../../platform/clock.ts';
import { explainFailure } from '../connection/failure.ts';
import { SqlError, type Query } from '../connection/query.ts';
import { showName } from '../facts/sql-text.ts';
import { watchBlockers } from './blocked.ts';
import { fingerprint } from './fingerprint.ts';
import { changes, insertEvent, type LedgerTable } from './ledger-table.ts';
import type { Worker } from './worker.ts';

export interface RunContext {
  readonly worker: Worker;
  /** A session that is free while the worker's one is at work. */
  readonly watcher: Query;
  readonly table: LedgerTable;
  readonly signal: AbortSignal;
}

const firstPauseMs = 500;
const longestPauseMs = 10_000;

/** Runs a script in one transaction with its record; waits and tries all of it again when it did not get its locks. */
export async function runInTransaction(context: RunContext, step: MigrationStep): Promise<StepResult> {
  const { worker, watcher, signal } = context;
  for (let attempt = 0; ; attempt++) {
    const { query, pid } = await worker.session();
    const { outcome, holders } = await watchBlockers(watcher, pid, attemptOnce(query, context, step));
    if (outcome.status === 'fulfilled') return outcome.value;
    const error: unknown = outcome.reason;
    signal.throwIfAborted();
    if (!isLockTimeout(error) || attempt >= step.lockRetries) throw withHolders(error, holders);
    step.onBlocked(holders);
    await systemClock.sleep(Math.min(longestPauseMs, firstPauseMs * 2 ** attempt), signal);
  }
}

async function attemptOnce(query: Query, context: RunContext, step: MigrationStep): Promise<StepResult> {
  const started = systemClock.now().getTime();
  const { table, worker } = context;
  await query(`BEGIN;\nSET LOCAL lock_timeout = ${step.lockTimeoutMs}`);
  try {
    const look = (): Promise<string | null> =>
      step.fingerprints ? fingerprint(query, table, step.lockTimeoutMs) : Promise.resolve(null);
    const schemaBefore = await look();
    for (const statement of step.script.statements) await runStatement(query, statement, step.script.file);
    const warnings = mayLoseRows(step.script) ? await losses(query, step) : [];
    await query('RESET ROLE;\nSET CONSTRAINTS ALL IMMEDIATE').catch((error: unknown) => {
      throw failed(step.script.file, undefined, error);
    });
    const schemaAfter = await look();
    const durationMs = systemClock.now().getTime() - started;
    const event = { ...step.event, schemaBefore, schemaAfter, durationMs };
    await query([insertEvent(event, table), ...changes(changeOf(event), table)].join(';\n'));
    await commit(query, context, event);
    await worker.reset();
    return { outcome: 'done', durationMs, warnings };
  } catch (error) {
    await worker.rollBack();
    throw error;
  }
}

/** What of the set of applied versions an event makes another one. */
export function changeOf({ kind, version, id }: LedgerEvent): LedgerChange {
  if (kind === 'rollback') return { add: [], remove: [version] };
  return { add: [{ version, event: id }], remove: [] };
}

export async function runStatement(query: Query, { text, line }: Statement, file: string): Promise<void> {
  try {
    await query(text);
  } catch (error) {
    throw error instanceof SqlError ? failed(file, line, error) : error;
  }
}

function failed(file: string, line: number | undefined, error: unknown): unknown {
  if (!(error instanceof SqlError)) return error;
  const place = line === undefined ? `${file}: at its end` : `${file}:${line}`;
  const explained = explainFailure(place, error.message, 'MIGRATION_FAILED', 'Correct the file, then run this again.');
  return new DbopsError(explained.code, explained.message, {
    hint: `Nothing of this file is in the database. ${explained.hint ?? ''}`.trim(),
    cause: error,
  });
}

/** A commit whose answer never came was done or was not: the ledger tells, once the server has ended that session. */
async function commit(query: Query, { worker }: RunContext, event: LedgerEvent): Promise<void> {
  try {
    await query('COMMIT');
  } catch (error) {
    if (error instanceof SqlError) throw failed(event.name, undefined, error);
    if (await worker.hasCommitted(event.id)) return;
    throw new DbopsError('MIGRATION_FAILED', `${event.name}: the connection was lost at COMMIT: ${messageOf(error)}`, {
      hint: 'The database was asked since: nothing of this file is in it. Run this again.',
      cause: error,
    });
  }
}

/** Rows that this transaction has deleted from tables which no DELETE names: by a cascade or a trigger. */
async function losses(query: Query, { script }: MigrationStep): Promise<string[]> {
  const rows = await query(`SELECT schemaname::text AS schema, relname::text AS name, n_tup_del::text AS rows
    FROM pg_catalog.pg_stat_xact_user_tables WHERE n_tup_del > 0 ORDER BY 1, 2`);
  const expected = losesRowsOf(script);
  return rows.flatMap(({ schema, name, rows: count }) => {
    if (expected.includes((name ?? '').toLowerCase())) return [];
    return [
      `${script.file}: ${count} rows of ${showName(schema ?? '', name ?? '')} were deleted, and no DELETE names it`,
    ];
  });
}

function isLockTimeout(error: unknown): boolean {
  const cause = error instanceof DbopsError ? error.cause : error;
  return cause instanceof SqlError && cause.state === '55P03';
}

function withHolders(error: unknown, holders: readonly string[]): unknown {
  if (!isLockTimeout(error) || holders.length === 0 || !(error instanceof DbopsError)) return error;
  return new DbopsError(error.code, `${error.message}; held by ${holders.join('; ')}`, {
    hint: 'Nothing of this file is in the database. Wait until that is done, or give it more time with --lock-timeout.',
    cause: error.cause,
  });
}
