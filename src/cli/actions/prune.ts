import { splitByTarget, type Catalog } from '../../core/catalog.ts';
import { DbopsError } from '../../core/errors.ts';
import { isTargetName, type TargetName } from '../../core/ids.ts';
import type { Storage } from '../../core/ports/storage.ts';
import { loadCatalog } from '../../operations/load-catalog.ts';
import { planPrune, prune, type PrunePlan } from '../../operations/prune.ts';
import { formatAge, formatBytes, formatTable } from '../../report/format.ts';
import type { CommandResult, Session } from '../session.ts';
import { chosenStorage, isMissing, storageOf } from '../subject.ts';

export interface PruneFlags {
  readonly storage?: string;
  readonly target?: string;
  readonly retentionDays?: number;
  readonly lockWait?: number;
  readonly dryRun?: true;
}

interface TargetPlan {
  readonly target: TargetName;
  readonly plan: PrunePlan;
}

export async function pruneAll(session: Session, flags: PruneFlags): Promise<CommandResult> {
  await using storage = await storageOf(session, flags);
  const dryRun = flags.dryRun === true;
  const plans: TargetPlan[] = [];
  for (const [target, catalog] of await targetsOf(storage, session, flags.target)) {
    const request = {
      target,
      storage,
      policy: session.settings.policyOf(target, flags.retentionDays, chosenStorage(session, flags)),
      lockWaitMs: flags.lockWait ?? session.settings.lockWaitMs,
      signal: session.signal,
    };
    const plan = dryRun ? await planPrune(request, session.ports, catalog) : await prune(request, session.ports);
    plans.push({ target, plan });
  }
  return {
    document: { ok: true, dryRun, targets: plans.map(toDocument) },
    text:
      plans.length === 0
        ? `no backups in ${storage.label}`
        : plans.map((plan) => describe(plan, session, dryRun)).join('\n\n'),
  };
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

function toDocument({ target, plan }: TargetPlan): object {
  return {
    target,
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
