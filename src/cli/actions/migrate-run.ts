import { exitCodeOf } from '../../core/errors.ts';
import { planRedo, planRollback } from '../../core/migrations/plan-rollback.ts';
import { planUp } from '../../core/migrations/plan.ts';
import { shellWord } from '../../core/shell-line.ts';
import {
  planMigrations,
  runMigrations,
  type MigrateRunRequest,
  type MigrateRunResult,
} from '../../operations/migrate-run.ts';
import { formatDuration, plain } from '../../report/format.ts';
import { errorDocument } from '../failure.ts';
import { backUpFirst } from '../migrate-backup.ts';
import { refuseWithoutConsent } from '../migrate-consent.ts';
import { LOCK_WAIT_MS, migrateRequest, parseVersion, targetToMigrate, type RunFlags } from '../migrate-request.ts';
import type { CommandResult, Session } from '../session.ts';

export type Verb = 'up' | 'rollback' | 'redo' | 'reset';

export async function run(
  session: Session,
  verb: Verb,
  word: string | undefined,
  flags: RunFlags,
): Promise<CommandResult> {
  const target = targetToMigrate(session, word);
  const base = await migrateRequest(session, target, flags);
  const request: MigrateRunRequest = {
    ...base,
    decide: decisionOf(verb, flags, [...target.migrations.allow, ...(flags.allow ?? [])], base.engine.rules),
    lockWaitMs: flags.lockWait ?? LOCK_WAIT_MS,
    lockTimeoutMs: flags.lockTimeout ?? 5_000,
    lockRetries: flags.lockRetries ?? 10,
    backup: () => backUpFirst(session, target, flags),
  };
  if (flags.dryRun === true) return describePlan(request);
  if (verb === 'reset') await refuseWithoutConsent(session, target, flags.yesReplace);
  return describe(await runMigrations(request, session.ports));
}

function decisionOf(
  verb: Verb,
  { to: word, steps }: RunFlags,
  allow: NonNullable<RunFlags['allow']>,
  rules: MigrateRunRequest['engine']['rules'],
): MigrateRunRequest['decide'] {
  const to = parseVersion(word);
  switch (verb) {
    case 'up':
      return (standings) => planUp(standings, { to, steps, allow });
    case 'rollback':
      return (standings, ledger) => planRollback(standings, ledger, { to, steps: steps ?? 1 }, rules);
    case 'reset':
      return (standings, ledger) => planRollback(standings, ledger, { steps: standings.length }, rules);
    case 'redo':
      return (standings, ledger) => planRedo(standings, ledger, steps ?? 1, rules);
  }
}

async function describePlan(request: MigrateRunRequest): Promise<CommandResult> {
  const { database, steps, refusals } = await planMigrations(request);
  const texts = steps.map(({ script, statementsDone }) => {
    const from = statementsDone === 0 ? '' : ` (from statement ${statementsDone + 1} on)`;
    const how = script.directives.transaction ? '' : ' (without a transaction)';
    return `-- ${script.file}${how}${from}\n${script.text.trimEnd()}\n`;
  });
  const refused = refusals.map(({ reason }) => `-- would be refused: ${reason}`);
  return {
    document: {
      ok: true,
      dryRun: true,
      database,
      steps: steps.map(({ version, name, kind, script, statementsDone }) => ({
        version,
        name,
        kind,
        statementsDone,
        transaction: script.directives.transaction,
        sql: script.text,
      })),
      refusals,
    },
    text: [`-- ${plain(database)}: would run ${steps.length}`, ...refused, ...texts].join('\n'),
  };
}

const done = { up: 'applied', rollback: 'rolled back' } as const;

function describe({ database, finished, backup, warnings, failure }: MigrateRunResult): CommandResult {
  const exitCode = failure === undefined ? 0 : exitCodeOf(failure.error);
  const error = failure === undefined ? undefined : errorDocument(failure.error);
  const lines = [
    ...finished.flatMap(({ version, name, kind, durationMs, warnings: own }) => [
      `${done[kind]} ${version}_${name} in ${formatDuration(durationMs)}`,
      ...own.map((warning) => `  warning: ${warning}`),
    ]),
    ...warnings.map((warning) => `warning: ${warning}`),
    ...(finished.length === 0 && failure === undefined ? [`${plain(database)}: nothing to do`] : []),
    ...(failure === undefined ? [] : [`FAILED ${failure.file}; done before it, and kept: ${finished.length}`]),
    ...(error === undefined || error.hint === null ? [] : [`hint: ${error.hint}`]),
  ];
  return {
    exitCode,
    document: {
      ok: failure === undefined,
      ...(failure === undefined ? {} : { exitCode, failed: failure.file, error }),
      database,
      finished,
      backup: backup ?? null,
      warnings,
    },
    text: lines.join('\n'),
    exactLines: backup === undefined ? [] : [`backup: ${shellWord(backup.id)}`, `undo: ${backup.restore}`],
    ...(error === undefined ? {} : { failure: error.message }),
  };
}
