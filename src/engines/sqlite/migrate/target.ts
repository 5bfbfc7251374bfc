import { DbopsError } from '../../../core/errors.ts';
import { losesRowsOf, mayLoseRows } from '../../../core/migrations/losses.ts';
import type { DatabaseAddress } from '../../../core/ports/engine.ts';
import type {
  MigrationEngine,
  MigrationStep,
  MigrationTarget,
  OpenMigrationTarget,
} from '../../../core/ports/migration-target.ts';
import { startAgent } from '../agent-client.ts';
import type { LedgerPlace, RunInput } from '../jobs/migrate/job.ts';
import { resolveFile } from './resolve-file.ts';
import { sqliteRules } from './rules.ts';

/** Migrations of SQLite, in the agent. Each has SQLite's write lock while it runs, and looks at the ledger under it. */
export const sqliteMigrations: MigrationEngine = { rules: sqliteRules, open };

async function open(address: DatabaseAddress, request: OpenMigrationTarget): Promise<MigrationTarget> {
  const { table, create, signal } = request;
  refuseSchema(table);
  const path = await resolveFile(address.location, create);
  let place: LedgerPlace = { path, table, create, lockTimeoutMs: address.lockTimeoutMs };
  const agent = startAgent(signal);
  return {
    label: path,
    readLedger: () => agent.run('migrateLedger', place),
    // Nobody else is kept out for the whole of a run: what another one has done is seen under the write lock.
    lock: async (waitMs) => {
      place = { ...place, lockTimeoutMs: waitMs };
      return { [Symbol.asyncDispose]: async () => undefined };
    },
    prepare: async () => void (await agent.run('migratePrepare', place)),
    fingerprint: () => agent.run('migrateFingerprint', place),
    record: async (events, change) => void (await agent.run('migrateRecord', { ...place, events, change })),
    run: (step) => agent.run('migrateRun', { ...place, ...runInput(step) }),
    inspect: () => agent.run('migrateInspect', place),
    [Symbol.asyncDispose]: () => agent[Symbol.asyncDispose](),
  };
}

function runInput({ script, event, statementsDone, fingerprints }: MigrationStep): Omit<RunInput, keyof LedgerPlace> {
  return {
    file: script.file,
    statements: script.statements.map(({ text, line, bare, meaningSoFar }) => ({ text, line, bare, meaningSoFar })),
    event,
    transaction: script.directives.transaction,
    statementsDone,
    fingerprints,
    foreignKeys: script.directives.foreignKeys,
    conserve: mayLoseRows(script),
    mayLoseRows: losesRowsOf(script),
  };
}

function refuseSchema(table: string): void {
  if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(table) && !/^sqlite_/i.test(table)) return;
  throw new DbopsError('USAGE', `${JSON.stringify(table)} is no name of a table`, {
    hint: 'Use letters, digits and underscores.',
  });
}
