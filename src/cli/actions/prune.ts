import type { ChosenStorage } from '../../config/storage-choice.ts';
import { splitByTarget, type Catalog } from '../../core/catalog.ts';
import { DbopsError, exitCodeOf } from '../../core/errors.ts';
import { isTargetName, type TargetName } from '../../core/ids.ts';
import type { Storage } from '../../core/ports/storage.ts';
import { loadCatalog } from '../../operations/load-catalog.ts';
import { planPrune, prune, type PrunePlan } from '../../operations/prune.ts';
import { formatAge, formatBytes, formatTable, plain } from '../../report/format.ts';
import { errorDocument } from '../failure.ts';
import type { CommandResult, Session } from '../session.ts';
import { isMissing } from '../subject.ts';

export interface PruneFlags {
  readonly storage?: readonly string[];
  readonly target?: string;
  readonly retentionDays?: number;
  readonly lockWait?: number;
  readonly dryRun?: true;
}

interface TargetPlan {
  readonly target: TargetName;
  readonly plan: PrunePlan;
}

/** What became of one storage. */
interface StorageOutcome {
  readonly label: string;
  readonly plans: readonly TargetPlan[];
  readonly error?: unknown;
}

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

async function pruneStorage(session: Session, choice: ChosenStorage, flags: PruneFlags): Promise<StorageOutcome> {
  const plans: TargetPlan[] = [];
  let label = choice.location;
  try {
    await using storage = await session.openStorage(choice);
    ({ label } = storage);
    for (const [target, catalog] of await targetsOf(storage, session, flags.target)) {
      const request = {
        target,
        storage,
        policy: session.settings.policyOf(target, flags.retentionDays, choice),
        lockWaitMs: flags.lockWait ?? session.settings.lockWaitMs,
        signal: session.signal,
      };
      const plan =
        flags.dryRun === true ? await planPrune(request, session.ports, catalog) : await prune(request, session.ports);
      plans.push({ target, plan });
    }
    return { label, plans };
  } catch (error) {
    return { label, plans, error };
  }
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

/** The targets that are meant, each with its catalogue; prune itself reads again under the lock. */
async function targetsOf(
  storage: Storage,
  { signal }: Session,
  only: string | undefined,
): Promise<ReadonlyMap<TargetName, Catalog>> {
  if (isMissing(storage)) throw nothingIn(storage, ', which does not exist');
  if (only === undefined) return splitByTarget(await loadCatalog(storage, { signal }));
  if (isTargetName(only)) {
    const catalog = await loadCatalog(storage, { signal, target: only });
    // A target whose first backup is being made has a lock and nothing else: prune itself has to wait for that.
    if (isEmpty(catalog) && !(await hasObjects(storage, only, signal))) throw nothingIn(storage, ` of ${only}`);
    return new Map([[only, catalog]]);
  }
  throw new DbopsError('USAGE', `${JSON.stringify(only)} cannot name a target`, {
    hint: 'See the names with `dbops list`.',
  });
}

function isEmpty({ backups, broken, litter }: Catalog): boolean {
  return backups.length === 0 && broken.length === 0 && litter.length === 0;
}

async function hasObjects(storage: Storage, target: TargetName, signal: AbortSignal): Promise<boolean> {
  for await (const _ of storage.list(target, { signal })) return true;
  return false;
}

function nothingIn(storage: Storage, what: string): DbopsError {
  return new DbopsError('NOTHING_MATCHES', `there are no backups in ${storage.label}${what}`, {
    hint: 'Check --storage and --target; see the names with `dbops list`.',
  });
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
    litter: plan.litter.map(({ prefix }) => prefix),
    broken: plan.broken.map(({ prefix, reason }) => ({ folder: prefix, reason })),
  };
}
