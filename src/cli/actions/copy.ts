import { splitByTarget, type Catalog } from '../../core/catalog.ts';
import type { CopyPlan } from '../../core/copy-plan.ts';
import { DbopsError } from '../../core/errors.ts';
import { isTargetName, type TargetName } from '../../core/ids.ts';
import type { Storage } from '../../core/ports/storage.ts';
import { copy, planCopyOf, type CopyOutcome, type CopyRequest } from '../../operations/copy.ts';
import { loadCatalog } from '../../operations/load-catalog.ts';
import { pickBackup } from '../../operations/restorable.ts';
import { presentCopies, type TargetCopy } from '../copy-result.ts';
import type { CommandResult, Session } from '../session.ts';
import { isMissing } from '../subject.ts';

export interface CopyFlags {
  readonly from?: string;
  readonly to?: string;
  readonly target?: string;
  readonly verify?: 'none' | 'checksum';
  readonly limitRate?: number;
  readonly dryRun?: true;
  readonly lockWait?: number;
}

/** One target's failure does not keep the others from being copied; the first failure's code is the exit code. */
export async function copyAll(session: Session, words: readonly string[], flags: CopyFlags): Promise<CommandResult> {
  const { settings } = session;
  if (flags.to === undefined) {
    throw new DbopsError('USAGE', 'no destination was named', { hint: 'Add --to <name, folder or URL of a storage>.' });
  }
  const target = flags.target === undefined ? undefined : settings.configured(flags.target);
  const [here, there] = [settings.storageOf(target, flags.from), settings.storageOf(target, flags.to)];
  const limited = flags.limitRate === undefined ? {} : { limitRate: `${flags.limitRate}` };
  await using from = await session.openStorage(here);
  await using to = await session.openStorage({ ...there, settings: { ...there.settings, ...limited } });
  if (from.label === to.label && here.settings.endpoint === there.settings.endpoint) throw same(to);
  const catalog = await catalogOf(from, session, flags.target);
  const named = words.length === 0 ? undefined : prefixesOf(words, catalog, flags.target);
  const copies: TargetCopy[] = [];
  for (const [name, source] of splitByTarget(catalog)) {
    if (named !== undefined && !source.backups.some(({ prefix }) => named.has(prefix))) continue;
    const rules = settings.policyOf(name, undefined, there);
    const request: CopyRequest = {
      target: name,
      from,
      source,
      to,
      named,
      // Rules that hold for every storage say what is kept somewhere, not what is kept there.
      policy: there.retention === undefined ? undefined : rules,
      lockPolicy: there.settings.lock === undefined ? undefined : rules,
      readBack: flags.verify !== 'none',
      lockWaitMs: flags.lockWait ?? settings.lockWaitMs,
      signal: session.signal,
    };
    copies.push(await copyTarget(session, request, flags.dryRun === true));
  }
  return presentCopies(copies, { from, to, dryRun: flags.dryRun === true });
}

function same({ label }: Storage): DbopsError {
  return new DbopsError('USAGE', `${label} cannot be copied to itself`, {
    hint: 'Name two storages: --from the one that has the backups, --to the one that lacks them.',
  });
}

async function catalogOf(from: Storage, { signal }: Session, target: string | undefined): Promise<Catalog> {
  if (target !== undefined && !isTargetName(target)) {
    throw new DbopsError('USAGE', `${JSON.stringify(target)} cannot name a target`, {
      hint: 'See the names with `dbops list`.',
    });
  }
  const catalog = await loadCatalog(from, { signal, ...(target === undefined ? {} : { target }) });
  if (catalog.backups.length > 0 || catalog.broken.length > 0) return catalog;
  const what = isMissing(from) ? ', which does not exist' : target === undefined ? '' : ` of ${target}`;
  // A disk that is not mounted must not look like a destination that is up to date.
  throw new DbopsError('NOTHING_MATCHES', `there are no backups in ${from.label}${what}`, {
    hint: 'Check --from and --target; see the names with `dbops list`.',
  });
}

function prefixesOf(words: readonly string[], catalog: Catalog, target: string | undefined): ReadonlySet<string> {
  return new Set(words.map((name) => pickBackup(catalog, { name, target }).prefix));
}

async function copyTarget(session: Session, request: CopyRequest, dryRun: boolean): Promise<TargetCopy> {
  const { target } = request;
  try {
    const { plan, outcomes } = dryRun
      ? { plan: await planCopyOf(request, session.ports), outcomes: [] }
      : await copy(request, session.ports);
    warnOf(session, target, plan, outcomes);
    return { target, plan, outcomes };
  } catch (error) {
    session.signal.throwIfAborted();
    return { target, error };
  }
}

/** What nobody asked about and somebody has to know: stderr, also where stdout goes nowhere. */
function warnOf({ ports }: Session, target: TargetName, plan: CopyPlan, outcomes: readonly CopyOutcome[]): void {
  const warn = (subject: string, message: string): void => ports.reporter.report({ type: 'warning', subject, message });
  for (const { prefix, reason } of plan.doubtful) warn(prefix, reason);
  const bad = plan.left.filter(({ isBad }) => isBad);
  if (bad.length > 0)
    warn(target, `not copied, because verification failed: ${bad.map(({ prefix }) => prefix).join(', ')}`);
  for (const { type, backup } of outcomes) {
    if (type === 'vanished') warn(backup.prefix, 'was removed from the source meanwhile, and is not copied');
  }
}
