import { judge, type MigrationStanding } from '../core/migrations/plan.ts';
import { openTarget, readMigrations, type MigrateRequest } from './migrate-request.ts';

export interface MigrateStatus {
  readonly database: string;
  readonly standings: readonly MigrationStanding[];
  /** What is wrong with files and their names. */
  readonly problems: readonly string[];
  /** A database with tables and without a ledger. */
  readonly unrecorded: boolean;
}

/** Compares the folder with the database. Writes nothing anywhere. */
export async function migrateStatus(request: MigrateRequest): Promise<MigrateStatus> {
  const { migrations, problems } = await readMigrations(request.folder, request.engine.rules);
  await using target = await openTarget(request);
  const ledger = await target.readLedger();
  return {
    database: target.label,
    standings: judge(migrations, ledger),
    problems,
    unrecorded: ledger.state === 'absent' && ledger.populated,
  };
}
