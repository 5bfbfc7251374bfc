import type Database from 'better-sqlite3';
import { DbopsError, messageOf } from '../../../../core/errors.ts';
import type { LedgerEvent } from '../../../../core/migrations/ledger.ts';
import type { StepResult } from '../../../../core/ports/migration-target.ts';
import { explainSqlite } from '../sqlite-error.ts';
import { closeWritable, explaining, writable } from './connection.ts';
import { readContents, refuseLosses } from './conserve.ts';
import { digestSchema } from './fingerprint.ts';
import type { RunInput } from './job.ts';
import { applyChange, insertEvent, isApplied } from './ledger-table.ts';

/** Runs a script and records it. The connection is another one afterwards where the script may have changed it. */
export function runMigration(input: RunInput): StepResult {
  const isPlain = input.statements.every(({ text }) => !/\b(pragma|attach|detach|temp|temporary)\b/i.test(text));
  try {
    return explaining(input.path, () => (input.transaction ? inTransaction(input) : eachForItself(input)));
  } catch (error) {
    closeWritable();
    throw error;
  } finally {
    if (!isPlain) closeWritable();
  }
}

function inTransaction(input: RunInput): StepResult {
  const started = Date.now();
  const db = writable(input);
  // Not obeyed within a transaction. Off, because DROP TABLE in a rebuild would delete the rows that point to it.
  db.pragma(`foreign_keys = ${input.foreignKeys ? 'ON' : 'OFF'}`);
  db.exec('BEGIN IMMEDIATE');
  try {
    if (isSettled(db, input)) {
      db.exec('ROLLBACK');
      return { outcome: 'elsewhere', durationMs: 0, warnings: [] };
    }
    const before = input.conserve ? readContents(db, input) : undefined;
    const schemaBefore = input.fingerprints ? digestSchema(db, input.table) : null;
    for (const statement of input.statements) runStatement(db, statement, input);
    if (before !== undefined) refuseLosses(before, readContents(db, input), input);
    const schemaAfter = input.fingerprints ? digestSchema(db, input.table) : null;
    const durationMs = Date.now() - started;
    writeEvent(db, input, { ...input.event, schemaBefore, schemaAfter, durationMs });
    db.exec('COMMIT');
    return { outcome: 'done', durationMs, warnings: [] };
  } catch (error) {
    if (db.inTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

/** Each statement is a transaction with its record, but for those that cannot: they are recorded right after. */
function eachForItself(input: RunInput): StepResult {
  const started = Date.now();
  const db = writable(input);
  db.pragma(`foreign_keys = ${input.foreignKeys ? 'ON' : 'OFF'}`);
  const { statements, table, event } = input;
  if (isSettled(db, input)) return { outcome: 'elsewhere', durationMs: 0, warnings: [] };
  for (const [index, statement] of statements.entries()) {
    if (index < input.statementsDone) continue;
    const done = { id: `${event.id}-${index + 1}`, statements: index + 1, meaning: statement.meaningSoFar };
    const progress = { ...event, ...done, outcome: 'progress', rollback: null } as const;
    try {
      if (!statement.bare) db.exec('BEGIN IMMEDIATE');
      runStatement(db, statement, input);
      insertEvent(db, table, progress);
      if (!statement.bare) db.exec('COMMIT');
    } catch (error) {
      if (db.inTransaction) db.exec('ROLLBACK');
      throw error;
    }
  }
  const durationMs = Date.now() - started;
  db.exec('BEGIN IMMEDIATE');
  writeEvent(db, input, { ...event, durationMs });
  db.exec('COMMIT');
  return { outcome: 'done', durationMs, warnings: [] };
}

/** Another run may have done the same since the ledger was read. */
function isSettled(db: Database.Database, { table, event }: RunInput): boolean {
  return isApplied(db, table, event.version) === (event.kind === 'up');
}

function writeEvent(db: Database.Database, { table }: RunInput, event: LedgerEvent): void {
  insertEvent(db, table, event);
  const { kind, version, id } = event;
  applyChange(
    db,
    table,
    kind === 'rollback' ? { add: [], remove: [version] } : { add: [{ version, event: id }], remove: [] },
  );
}

function runStatement(db: Database.Database, { text, line }: RunInput['statements'][number], input: RunInput): void {
  const { file, path, transaction, statements } = input;
  try {
    db.exec(text);
  } catch (error) {
    const known = explainSqlite(error, path);
    if (known instanceof DbopsError && ['NO_SPACE', 'DAMAGED'].includes(known.code)) throw known;
    const done = statements.findIndex((statement) => statement.line === line && statement.text === text);
    throw new DbopsError('MIGRATION_FAILED', `${file}:${line}: ${messageOf(error)}`, {
      hint: transaction
        ? 'Nothing of this file is in the database. Correct the file, then run this again.'
        : `${done} of ${statements.length} statements are done and stay; running this again goes on with number ${done + 1}.`,
      cause: error,
    });
  }
  // Some conflicts end the transaction by themselves (ON CONFLICT ROLLBACK, a full disk).
  if (transaction && !db.inTransaction) {
    throw new DbopsError('MIGRATION_FAILED', `${file}:${line}: the transaction was ended by this statement`, {
      hint: 'Nothing before it is in the database.',
    });
  }
}
