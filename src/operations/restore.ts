import { DbopsError } from '../core/errors.ts';
import { compactTime } from '../core/ids.ts';
import type {
  Check,
  DatabaseAddress,
  DestinationState,
  Promotion,
  RestoreOptions,
  StageRequest,
  Staging,
  TestBench,
} from '../core/ports/engine.ts';
import { compare, compareSchema, describeCheck, levelOf } from './findings.ts';
import type { Ports } from './ports.ts';
import { refuseIfShort } from './preflight.ts';
import { originOf, type Restorable } from './restorable.ts';
import { openScratchPlace } from './scratch-place.ts';

export interface RestoreRequest {
  readonly subject: Restorable;
  readonly destination: DatabaseAddress;
  /** The user said in so many words that an existing database may be replaced. */
  readonly replace: boolean;
  /** Replace although another process uses the destination. */
  readonly allowOpen: boolean;
  readonly checks: readonly Check[];
  readonly options?: RestoreOptions;
  /** Where it is proven before the destination is asked for anything; undefined when it need not be. */
  readonly cleanRoom?: TestBench | undefined;
  readonly dropOld?: boolean;
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
  const { subject, destination, allowOpen, dropOld = false, signal } = request;
  const parent = state.scratchParent ?? request.scratchParent;
  await using place = await openScratchPlace(subject.encrypted, parent, ports);
  if (request.cleanRoom !== undefined) await proveApart(request, request.cleanRoom, ports);
  await using staging = await subject.engine.stage(
    subject.parts,
    destination,
    await stageRequest(request, place.scratch, ports),
  );
  const warnings = await prove(staging, request, ports);
  ports.reporter.report({ type: 'activity', target: subject.label, activity: 'promote' });
  const stamp = compactTime(ports.clock.now());
  const { settings } = await subject.recall({ signal });
  const promotion = await staging.promote({ settings, allowOpen, dropOld, stamp, signal });
  return { ...promotion, warnings: [...warnings, ...promotion.warnings] };
}

/** Finds out whether the backup can be restored at all where nothing is lost when it cannot. */
async function proveApart(request: RestoreRequest, bench: TestBench, ports: Ports): Promise<void> {
  const { subject, scratchParent } = request;
  await using place = await openScratchPlace(subject.encrypted, scratchParent, ports);
  const apart = { ...(await stageRequest(request, place.scratch, ports)), bench };
  await using staging = await subject.engine.stage(subject.parts, undefined, apart);
  await prove(staging, request, ports);
}

async function stageRequest(
  { subject, options, signal }: RestoreRequest,
  scratch: string | undefined,
  { reporter }: Ports,
): Promise<StageRequest> {
  return {
    scratch,
    ...(await originOf(subject, { signal })),
    ...(options === undefined ? {} : { options }),
    signal,
    onProgress: (bytes, totalBytes) => reporter.report({ type: 'progress', activity: 'restore', bytes, totalBytes }),
  };
}

/**
 * Gives the warnings of a copy that is what was backed up.
 * @throws DbopsError VERIFY_FAILED
 */
async function prove(staging: Staging, request: RestoreRequest, ports: Ports): Promise<readonly string[]> {
  const { subject, destination, checks, options = {}, signal } = request;
  ports.reporter.report({ type: 'activity', target: subject.label, activity: 'examine' });
  const { facts: recorded } = await subject.recall({ signal });
  const examination = await staging.examine({ facts: levelOf(recorded), checks, signal });
  const found = options.schemaOnly === true ? compareSchema(recorded, examination) : compare(recorded, examination);
  // Whoever goes on after failed statements knows that the copy is less than the backup.
  const differences = options.keepGoing === true ? [] : found.problems;
  const problems = [...differences, ...found.checks.filter(({ ok }) => !ok).map(describeCheck)];
  if (problems.length === 0)
    return options.keepGoing === true ? [...found.warnings, ...found.problems] : found.warnings;
  const wayOut =
    differences.length === 0 ? ', or add --no-checks if a check is newer than the backup' : ': see `dbops list`';
  throw new DbopsError('VERIFY_FAILED', `the restored copy of ${subject.label} is not sound: ${problems.join('; ')}`, {
    hint: `${destination.location} was not touched. Use another backup${wayOut}.`,
  });
}
