import { DbopsError } from '../core/errors.ts';
import { compactTime } from '../core/ids.ts';
import type { Check, DatabaseAddress, DestinationState, Promotion, RestoreOptions } from '../core/ports/engine.ts';
import { compare, describeCheck, levelOf } from './findings.ts';
import type { Ports } from './ports.ts';
import { refuseIfShort } from './preflight.ts';
import type { Restorable } from './restorable.ts';

export interface RestoreRequest {
  readonly subject: Restorable;
  readonly destination: DatabaseAddress;
  /** The user said in so many words that an existing database may be replaced. */
  readonly replace: boolean;
  /** Replace although another process uses the destination. */
  readonly allowOpen: boolean;
  readonly checks: readonly Check[];
  readonly options?: RestoreOptions;
  /** Where large temporary files go when the destination is on another machine. */
  readonly scratchParent?: string;
  readonly signal: AbortSignal;
}

/** What a restore will do, for people and for `--dry-run`. */
export interface RestorePlan {
  readonly from: string;
  readonly into: string;
  readonly replaces: boolean;
  readonly users: readonly string[];
  readonly steps: readonly string[];
}

export interface RestoreResult extends Promotion {
  readonly from: string;
  readonly into: string;
  readonly durationMs: number;
}

/** Looks at the destination, and changes nothing. */
export async function planRestore(request: RestoreRequest, ports: Ports): Promise<RestorePlan> {
  const { subject, destination, signal, checks } = request;
  const state = await subject.engine.survey(destination, { signal });
  const stamp = compactTime(ports.clock.now());
  const into = destination.location;
  return {
    from: subject.label,
    into,
    replaces: state.exists,
    users: state.users,
    steps: [
      `restore the backup into ${state.stagedAs} and compare every byte with its checksums`,
      subject.stored === undefined ? 'check the copy' : 'check the copy and compare it with the facts of the backup',
      ...(checks.length === 0 ? [] : [`run ${checks.length} configured checks on the copy`]),
      ...(state.exists ? [`keep the present database as ${state.keptAs(stamp)}`] : []),
      `put the copy in place as ${into}`,
    ],
  };
}

/**
 * Restores a whole backup. The destination is not touched before the copy beside it has proven to be what was backed
 * up and has passed the configured checks; then it is swapped in by one step, and the old database is kept.
 */
export async function restore(request: RestoreRequest, ports: Ports): Promise<RestoreResult> {
  const { subject, destination, signal } = request;
  const startedAt = ports.clock.now();
  const into = destination.location;
  ports.reporter.report({ type: 'restore.started', from: subject.label, into });
  const state = await subject.engine.survey(destination, { signal });
  refuseUnsafe(request, state);
  refuseIfShort(state.stagedAs, subject.bytes ?? 0, state.freeBytes);
  const promotion = await stageAndPromote(request, state, ports);
  const durationMs = ports.clock.now().getTime() - startedAt.getTime();
  for (const message of promotion.warnings) ports.reporter.report({ type: 'warning', subject: into, message });
  ports.reporter.report({ type: 'restore.finished', into, kept: promotion.kept, durationMs });
  return { ...promotion, from: subject.label, into, durationMs };
}

function refuseUnsafe({ destination, replace, allowOpen }: RestoreRequest, { exists, users }: DestinationState): void {
  const { location } = destination;
  if (exists && !replace) {
    throw new DbopsError('REFUSED', `${location} exists`, {
      hint: 'Add --yes to replace it (the present database is kept beside it), or name another place with --into.',
    });
  }
  if (users.length > 0 && !allowOpen) {
    throw new DbopsError('REFUSED', `${location} is in use by ${users.join(', ')}`, {
      hint: 'Stop the application and run this again, or add --allow-open and restart the application afterwards.',
    });
  }
}

async function stageAndPromote(request: RestoreRequest, state: DestinationState, ports: Ports): Promise<Promotion> {
  const { subject, destination, checks, allowOpen, signal } = request;
  const target = subject.label;
  await using scratch = await ports.openScratch(state.scratchParent ?? request.scratchParent ?? ports.temporaryFolder);
  await using staging = await subject.engine.stage(subject.parts, destination, {
    scratch: scratch.folder,
    ...(request.options === undefined ? {} : { options: request.options }),
    signal,
    onProgress: (bytes, totalBytes) =>
      ports.reporter.report({ type: 'progress', activity: 'restore', bytes, totalBytes }),
  });
  ports.reporter.report({ type: 'activity', target, activity: 'examine' });
  const manifest = subject.stored?.backup.manifest;
  const found = compare(manifest?.facts, await staging.examine({ facts: levelOf(manifest?.facts), checks, signal }));
  const problems = [...found.problems, ...found.checks.filter(({ ok }) => !ok).map(describeCheck)];
  if (problems.length > 0) {
    const message = `the restored copy of ${subject.label} is not sound: ${problems.join('; ')}`;
    const wayOut =
      found.problems.length === 0 ? ', or add --no-checks if a check is newer than the backup' : ': see `dbops list`';
    throw new DbopsError('VERIFY_FAILED', message, {
      hint: `${destination.location} was not touched. Use another backup${wayOut}.`,
    });
  }
  ports.reporter.report({ type: 'activity', target, activity: 'promote' });
  const stamp = compactTime(ports.clock.now());
  const settings = manifest?.source.settings ?? {};
  const promotion = await staging.promote({ settings, allowOpen, stamp, signal });
  return { ...promotion, warnings: [...found.warnings, ...promotion.warnings] };
}
