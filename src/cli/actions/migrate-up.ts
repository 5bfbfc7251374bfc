import { exitCodeOf } from '../../core/errors.ts';
import { shellWord } from '../../core/shell-line.ts';
import { migrateUp, planMigrateUp, type MigrateUpRequest, type MigrateUpResult } from '../../operations/migrate-up.ts';
import { formatDuration, plain } from '../../report/format.ts';
import { errorDocument } from '../failure.ts';
import { backUpFirst } from '../migrate-backup.ts';
import { LOCK_WAIT_MS, migrateRequest, parseVersion, targetToMigrate, type UpFlags } from '../migrate-request.ts';
import type { CommandResult, Session } from '../session.ts';

export async function up(session: Session, word: string | undefined, flags: UpFlags): Promise<CommandResult> {
  const target = targetToMigrate(session, word);
  const request: MigrateUpRequest = {
    ...(await migrateRequest(session, target, flags)),
    to: parseVersion(flags.to),
    steps: flags.steps,
    allow: [...target.migrations.allow, ...(flags.allow ?? [])],
    lockWaitMs: flags.lockWait ?? LOCK_WAIT_MS,
    lockTimeoutMs: flags.lockTimeout ?? 5_000,
    lockRetries: flags.lockRetries ?? 10,
    backup: () => backUpFirst(session, target, flags),
  };
  if (flags.dryRun === true) return describePlan(request);
  return describe(await migrateUp(request, session.ports));
}

async function describePlan(request: MigrateUpRequest): Promise<CommandResult> {
  const { database, run, refusals } = await planMigrateUp(request);
  const texts = run.map(({ migration, statementsDone }) => {
    const from = statementsDone === 0 ? '' : ` (from statement ${statementsDone + 1} on)`;
    const how = migration.up.directives.transaction ? '' : ' (without a transaction)';
    return `-- ${migration.file}${how}${from}\n${migration.up.text.trimEnd()}\n`;
  });
  const refused = refusals.map(({ reason }) => `would be refused: ${reason}`);
  return {
    document: {
      ok: true,
      dryRun: true,
      database,
      run: run.map(({ version, name, migration, statementsDone }) => ({
        version,
        name,
        transaction: migration.up.directives.transaction,
        statementsDone,
        sql: migration.up.text,
      })),
      refusals,
    },
    text: [`-- ${plain(database)}: would run ${run.length} migrations`, ...refused, ...texts].join('\n'),
  };
}

function describe({ database, applied, backup, warnings, failure }: MigrateUpResult): CommandResult {
  const exitCode = failure === undefined ? 0 : exitCodeOf(failure.error);
  const error = failure === undefined ? undefined : errorDocument(failure.error);
  const lines = [
    ...applied.flatMap(({ version, name, durationMs, warnings: own }) => [
      `applied ${version}_${name} in ${formatDuration(durationMs)}`,
      ...own.map((warning) => `  warning: ${warning}`),
    ]),
    ...warnings.map((warning) => `warning: ${warning}`),
    ...(applied.length === 0 && failure === undefined ? [`${plain(database)}: nothing to apply`] : []),
    ...(failure === undefined ? [] : [`FAILED ${failure.file}; ${applied.length} before it stay applied`]),
    ...(error?.hint === undefined || error.hint === null ? [] : [`hint: ${error.hint}`]),
  ];
  return {
    exitCode,
    document: {
      ok: failure === undefined,
      ...(failure === undefined ? {} : { exitCode, failed: failure.file, error }),
      database,
      applied,
      backup: backup ?? null,
      warnings,
    },
    text: lines.join('\n'),
    exactLines: backup === undefined ? [] : [`backup: ${shellWord(backup.id)}`, `undo: ${backup.restore}`],
    ...(error === undefined ? {} : { failure: error.message }),
  };
}
