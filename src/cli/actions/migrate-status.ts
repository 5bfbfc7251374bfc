import { DbopsError } from '../../core/errors.ts';
import type { MigrationStanding } from '../../core/migrations/plan.ts';
import { migrateStatus, type MigrateStatus } from '../../operations/migrate-status.ts';
import { formatTable, plain } from '../../report/format.ts';
import { migrateRequest, targetToMigrate, type StatusFlags } from '../migrate-request.ts';
import type { CommandResult, Session } from '../session.ts';

export async function status(session: Session, word: string | undefined, flags: StatusFlags): Promise<CommandResult> {
  const found = await migrateStatus(await migrateRequest(session, targetToMigrate(session, word), flags));
  const verdict = verdictOf(found, flags.check === true);
  const { database, standings, problems, unrecorded } = found;
  return {
    document: {
      ok: verdict === undefined,
      ...(verdict === undefined ? {} : { exitCode: 11, code: verdict.code }),
      database,
      unrecorded,
      problems,
      migrations: standings.map(toDocument),
    },
    text: [...tableOf(standings), ...problems.map((problem) => `problem: ${problem}`), summaryOf(found)].join('\n'),
    ...(verdict === undefined ? {} : { exitCode: 11, failure: verdict.message }),
  };
}

/** Why this is no success; the worst first. */
function verdictOf({ standings, problems, unrecorded }: MigrateStatus, check: boolean): DbopsError | undefined {
  const drift = standings.filter(({ state }) => ['edited', 'missing', 'out-of-order'].includes(state));
  const waiting = standings.filter(({ state }) => state === 'pending');
  const unfinished = standings.filter(({ state }) => state === 'unfinished');
  if (problems.length > 0) return new DbopsError('MIGRATION_INVALID', counted(problems.length, 'problem'));
  if (drift.length > 0) return new DbopsError('MIGRATION_DRIFT', counted(drift.length, 'difference'));
  if (unfinished.length > 0) return new DbopsError('MIGRATION_FAILED', 'a migration stopped in its middle');
  if (unrecorded) return new DbopsError('MIGRATION_DRIFT', 'there are tables, and no ledger');
  if (!check || waiting.length === 0) return undefined;
  return new DbopsError('MIGRATION_PENDING', `${waiting.length} pending`);
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'} between the folder and the database`;
}

function toDocument({ version, name, state, event, statementsDone, remarks, migration }: MigrationStanding): object {
  return {
    version,
    name,
    state,
    appliedAt: event?.startedAt ?? null,
    durationMs: event?.durationMs ?? null,
    by: event?.dbUser ?? event?.osUser ?? null,
    host: event?.host ?? null,
    gitCommit: event?.gitCommit ?? null,
    backup: event?.backupId ?? null,
    reversible: event === undefined ? migration?.rollback !== undefined : event.rollback !== null,
    statementsDone,
    remarks,
  };
}

function tableOf(standings: readonly MigrationStanding[]): string[] {
  if (standings.length === 0) return [];
  const rows = standings.map(({ version, name, state, event, remarks, migration }) => {
    const reversible = event === undefined ? migration?.rollback !== undefined : event.rollback !== null;
    const at = event === undefined ? '' : event.startedAt.slice(0, 19).replace('T', ' ');
    return [state, version, name, at, reversible ? 'yes' : 'no', plain(remarks.join('; '))];
  });
  return [formatTable(['STATE', 'VERSION', 'NAME', 'APPLIED (UTC)', 'ROLLBACK', ''], rows)];
}

function summaryOf({ standings, unrecorded, database }: MigrateStatus): string {
  const count = (wanted: string): number => standings.filter(({ state }) => state === wanted).length;
  const ledger = unrecorded ? '; it has tables, and no ledger: see `dbops migrate baseline --help`' : '';
  return `${plain(database)}: ${count('applied')} applied, ${count('pending')} pending${ledger}`;
}
