import { DbopsError } from '../../../core/errors.ts';
import type { DatabaseAddress } from '../../../core/ports/engine.ts';
import type { MigrationEngine, MigrationTarget, OpenMigrationTarget } from '../../../core/ports/migration-target.ts';
import type { EngineHost } from '../../engine-driver.ts';
import { findClients } from '../connection/clients.ts';
import { createConnection } from '../connection/connection.ts';
import { explained, explainFailure } from '../connection/failure.ts';
import { SqlError, type Query } from '../connection/query.ts';
import { openSession } from '../connection/session.ts';
import { readStandby } from '../facts/sql-text.ts';
import { refusePooler } from '../source/pooler.ts';
import { fingerprint } from './fingerprint.ts';
import { unhealthy } from './health.ts';
import { inTransaction } from './in-transaction.ts';
import { changes, insertEvent, ledgerTable, preparation, readLedger, type LedgerTable } from './ledger-table.ts';
import { pollLock, runKeyOf } from './lock.ts';
import { postgresRules } from './rules.ts';
import { runStatements } from './run-statements.ts';
import { runInTransaction } from './run.ts';
import { createWorker } from './worker.ts';

/** Migrations of PostgreSQL: one session holds the lock and looks around, another one does the work. */
export function createPostgresMigrations(host: EngineHost): MigrationEngine {
  return {
    rules: postgresRules,
    open: (address, request) =>
      explained(`${address.location} cannot be looked at`, openTarget(address, request, host)),
  };
}

async function openTarget(
  address: DatabaseAddress,
  { table: word, signal }: OpenMigrationTarget,
  host: EngineHost,
): Promise<MigrationTarget> {
  const table = ledgerTable(word);
  const connection = createConnection(address, host);
  const stack = new AsyncDisposableStack();
  try {
    const { paths } = await findClients(connection, ['psql'], 0, signal);
    const control = stack.use(await openSession({ connection, psql: paths.psql, signal }));
    const worker = stack.use(createWorker({ connection, psql: paths.psql, table, signal }));
    const context = { worker, watcher: control.query, table, signal };
    return {
      label: connection.label,
      readLedger: () => explained('the ledger cannot be read', readLedger(control.query, table)),
      lock: async (waitMs, onWait) => {
        await refuseStandby(control.query, connection.label);
        const { query } = await worker.session();
        await refusePooler([control, { ...control, query }], connection);
        const key = runKeyOf(table);
        await pollLock(control.query, { key, table, waitMs, onWait, signal });
        await worker.claim(waitMs, onWait);
        return { [Symbol.asyncDispose]: () => release(control.query, key) };
      },
      prepare: async () => prepare((await worker.session()).query, table),
      fingerprint: async () => readFingerprint((await worker.session()).query, table, address.lockTimeoutMs),
      record: async (events, change) => {
        const { query } = await worker.session();
        const statements = [...events.map((event) => insertEvent(event, table)), ...changes(change, table)];
        await explained('the ledger cannot be written', inTransaction(query, statements));
      },
      run: (step) => (step.script.directives.transaction ? runInTransaction : runStatements)(context, step),
      inspect: () => explained('the database cannot be looked at', unhealthy(control.query)),
      [Symbol.asyncDispose]: () => stack.disposeAsync(),
    };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

async function refuseStandby(query: Query, label: string): Promise<void> {
  if (!(await readStandby(query))) return;
  throw new DbopsError('SOURCE_REFUSED', `${label} is a standby, which nobody can write to`, {
    hint: 'Migrate its primary: the standby follows.',
  });
}

/** Where the session is gone, the server has let it go. */
async function release(query: Query, key: string): Promise<void> {
  await query(`SELECT pg_catalog.pg_advisory_unlock(${key})`).catch(() => undefined);
}

/** The lock of the run keeps others from doing the same at this moment. */
async function prepare(query: Query, table: LedgerTable): Promise<void> {
  try {
    await inTransaction(query, preparation(table));
  } catch (error) {
    if (!(error instanceof SqlError)) throw error;
    const { code, message } = explainFailure(`the ledger ${table.versions} cannot be made`, error.message);
    throw new DbopsError(code, message, {
      hint: 'Migrate by the role that owns the tables, or name a schema in which this one may create: --table app.schema_migrations.',
      cause: error,
    });
  }
}

async function readFingerprint(query: Query, table: LedgerTable, lockTimeoutMs: number): Promise<string> {
  await query('BEGIN');
  try {
    return await fingerprint(query, table, lockTimeoutMs);
  } finally {
    await query('ROLLBACK');
  }
}
