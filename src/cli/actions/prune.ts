import { exitCodeOf } from '../../core/errors.ts';
import { formatAge, formatBytes, formatTable, plain } from '../../report/format.ts';
import { errorDocument } from '../failure.ts';
import { pruneStorage, type PruneFlags, type StorageOutcome, type TargetPlan } from '../run-prune.ts';
import type { CommandResult, Session } from '../session.ts';

/** Each storage by its own rules; one that fails does not keep the others from being pruned. */
export async function pruneAll(session: Session, flags: PruneFlags): Promise<CommandResult> {
  const { settings, signal } = session;
  const target = flags.target === undefined ? undefined : settings.configured(flags.target);
  const choices = settings.storagesOf(target, flags.storage ?? []);
  const outcomes: StorageOutcome[] = [];
  for (const choice of choices) {
    const outcome = await pruneStorage(session, choice, flags);
    if (outcome.error !== undefined && choices.length === 1) throw outcome.error;
    if (outcome.error !== undefined) signal.throwIfAborted();
    outcomes.push(outcome);
  }
  const failed = outcomes.filter(({ error }) => error !== undefined);
  const exitCode = failed.length === 0 ? 0 : exitCodeOf(failed[0]?.error);
  const errors = failed.map(({ label, error }) => ({ storage: label, error: errorDocument(error) }));
  return {
    exitCode,
    document: {
      ok: exitCode === 0,
      dryRun: flags.dryRun === true,
      targets: outcomes.flatMap(({ label, plans }) => plans.map((plan) => toDocument(plan, label))),
      ...(errors.length === 0 ? {} : { errors }),
    },
    text: outcomes.map((outcome) => describeStorage(outcome, session, flags, choices.length > 1)).join('\n\n'),
    ...(exitCode === 0
      ? {}
      : { failure: `${failed.length} of ${outcomes.length} storages were not pruned: ${labelsOf(failed)}` }),
  };
}

function labelsOf(outcomes: readonly StorageOutcome[]): string {
  return outcomes.map(({ label }) => label).join(', ');
}

function describeStorage(
  { label, plans, error }: StorageOutcome,
  session: Session,
  { dryRun }: PruneFlags,
  isOneOfMany: boolean,
): string {
  const told = plans.map((plan) => describe(plan, session, dryRun === true));
  if (error !== undefined) told.push(`FAILED: ${errorDocument(error).message}`);
  if (told.length === 0) return `no backups in ${plain(label)}`;
  return [...(isOneOfMany ? [`${plain(label)}:`] : []), told.join('\n\n')].join('\n');
}

function describe({ target, plan }: TargetPlan, session: Session, dryRun: boolean): string {
  const now = session.ports.clock.now();
  const going = plan.verdicts.filter(({ keep }) => !keep);
  const bytes = going.reduce((sum, { backup }) => sum + backup.bytes, 0);
  const rows = plan.verdicts.map(({ backup, keep, reasons }) => [
    keep ? 'keep' : 'remove',
    backup.id,
    formatAge(backup.at, now),
    backup.class,
    formatBytes(backup.bytes),
    reasons.join('; '),
  ]);
  const verb = dryRun ? 'would remove' : 'removed';
  return [
    `${target}: ${verb} ${going.length} of ${plan.verdicts.length} backups, ${formatBytes(bytes)}`,
    ...(rows.length === 0 ? [] : [formatTable(['VERDICT', 'ID', 'AGE>', 'CLASS', 'SIZE>', 'REASON'], rows)]),
    ...plan.litter.map(({ prefix }) => `${verb} ${prefix}: left by an interrupted run`),
    ...plan.unfinished.map(({ key }) => `${verb} an unfinished upload of ${key}: left by an interrupted run`),
    ...plan.broken.map(({ prefix, reason }) => `not judged: ${prefix}: ${reason}`),
  ].join('\n');
}

function toDocument({ target, plan }: TargetPlan, storage: string): object {
  return {
    target,
    storage,
    verdicts: plan.verdicts.map(({ backup, keep, reasons }) => ({
      id: backup.id,
      class: backup.class,
      finishedAt: backup.at.toISOString(),
      bytes: backup.bytes,
      keep,
      reasons,
    })),
    litter: [...plan.litter.map(({ prefix }) => prefix), ...plan.unfinished.map(({ key }) => key)],
    broken: plan.broken.map(({ prefix, reason }) => ({ folder: prefix, reason })),
  };
}
