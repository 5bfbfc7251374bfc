import type { ChosenStorage } from '../config/storage-choice.ts';
import { splitByTarget, type Catalog } from '../core/catalog.ts';
import { DbopsError } from '../core/errors.ts';
import { isTargetName, type TargetName } from '../core/ids.ts';
import type { Storage } from '../core/ports/storage.ts';
import { loadCatalog } from '../operations/load-catalog.ts';
import { planPrune, prune, type PrunePlan } from '../operations/prune.ts';
import type { Session } from './session.ts';
import { isMissing } from './subject.ts';

export interface PruneFlags {
  readonly storage?: readonly string[];
  readonly target?: string;
  readonly retentionDays?: number;
  readonly lockWait?: number;
  readonly dryRun?: true;
}

export interface TargetPlan {
  readonly target: TargetName;
  readonly plan: PrunePlan;
}

/** What became of one storage. */
export interface StorageOutcome {
  readonly label: string;
  readonly plans: readonly TargetPlan[];
  readonly error?: unknown;
}

/** Prunes what is meant of one storage. What was done before a failure is told too. */
export async function pruneStorage(
  session: Session,
  choice: ChosenStorage,
  flags: PruneFlags,
): Promise<StorageOutcome> {
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
