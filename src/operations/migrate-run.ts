import { DbopsError, messageOf } from '../core/errors.ts';
import type { Ledger } from '../core/migrations/ledger.ts';
import { judge, type MigrationStanding } from '../core/migrations/plan.ts';
import type { PlannedStep, Refusal, StepPlan } from '../core/migrations/step.ts';
import type { MigrationTarget, StepResult } from '../core/ports/migration-target.ts';
import { eventFor, openTarget, readMigrations, refuseProblems, type MigrateRequest } from './migrate-request.ts';
import type { Ports } from './ports.ts';

export interface MigrateRunRequest extends MigrateRequest {
  /** What is to be done to a database with this ledger; it is asked again under the lock. */
  readonly decide: (standings: readonly MigrationStanding[], ledger: Ledger) => StepPlan;
  readonly lockWaitMs: number;
  readonly lockTimeoutMs: number;
  readonly lockRetries: number;
  /** Backs the database up where that is wanted; called when it is known that something will be done to it. */
  readonly backup: () => Promise<BackupNote | undefined>;
}

/** A backup from before the change. */
export interface BackupNote {
  readonly id: string;
  readonly storage: string;
  /** The line that puts the database back to it, fit for a shell. */
  readonly restore: string;
}

export interface FinishedStep extends Pick<PlannedStep, 'version' | 'name' | 'kind'> {
  readonly durationMs: number;
  readonly warnings: readonly string[];
}

export interface MigrateRunResult {
  readonly database: string;
  readonly finished: readonly FinishedStep[];
  readonly backup: BackupNote | undefined;
  /** What is unhealthy in the database afterwards. */
  readonly warnings: readonly string[];
  /** What ended the run; what is finished stays so. */
  readonly failure: { readonly file: string; readonly error: unknown } | undefined;
}

/** What a run would do, without doing it. */
export async function planMigrations(request: MigrateRunRequest): Promise<StepPlan & { readonly database: string }> {
  const { migrations, problems } = await readMigrations(request.folder, request.engine.rules);
  refuseProblems(problems);
  await using target = await openTarget(request);
  const ledger = await target.readLedger();
  refuseUnrecorded(ledger, target);
  return { ...request.decide(judge(migrations, ledger), ledger), database: target.label };
}

/**
 * Runs what is decided, each script for itself. Whoever comes second waits, and finds nothing left to do.
 * @throws DbopsError when nothing was done at all; what failed on the way stands in `failure`
 */
export async function runMigrations(request: MigrateRunRequest, ports: Ports): Promise<MigrateRunResult> {
  const { migrations, problems } = await readMigrations(request.folder, request.engine.rules);
  refuseProblems(problems);
  await using target = await openTarget(request);
  const { label: database } = target;
  const look = async (): Promise<{ readonly ledger: Ledger; readonly plan: StepPlan }> => {
    const ledger = await target.readLedger();
    const plan = request.decide(judge(migrations, ledger), ledger);
    refuse(plan.refusals);
    return { ledger, plan };
  };
  const nothing = { database, finished: [], backup: undefined, warnings: [], failure: undefined };
  if ((await look()).plan.steps.length === 0) return nothing;
  await using held = new AsyncDisposableStack();
  held.use(await lockFor(target, request.lockWaitMs, ports));
  // What another run did while this one waited.
  const { ledger, plan } = await look();
  if (plan.steps.length === 0) return nothing;
  refuseUnrecorded(ledger, target);
  const backup = ledger.populated ? await request.backup() : undefined;
  await target.prepare();
  const { finished, failure } = await runAll(plan.steps, { request, target, ports, backup });
  request.signal.throwIfAborted();
  const warnings = failure === undefined ? await target.inspect() : [];
  return { database, finished, backup, warnings, failure };
}

/** Waits for other runs, and says so. */
export function lockFor(target: MigrationTarget, waitMs: number, ports: Ports): Promise<AsyncDisposable> {
  const { label: database } = target;
  return target.lock(waitMs, (holder) =>
    ports.reporter.report({ type: 'migration.waiting', database, holders: [holder] }),
  );
}

interface Run {
  readonly request: MigrateRunRequest;
  readonly target: MigrationTarget;
  readonly ports: Ports;
  readonly backup: BackupNote | undefined;
}

/** Fingerprints cost more than a small migration: with many, the first and the last get them. */
const mostFingerprints = 20;

async function runAll(
  steps: readonly PlannedStep[],
  context: Run,
): Promise<Pick<MigrateRunResult, 'finished' | 'failure'>> {
  const finished: FinishedStep[] = [];
  for (const [index, step] of steps.entries()) {
    const isEdge = index === 0 || index === steps.length - 1;
    try {
      const { outcome, durationMs, warnings } = await runOne(step, isEdge || steps.length <= mostFingerprints, context);
      if (outcome === 'elsewhere') continue;
      const { version, name, kind } = step;
      finished.push({ version, name, kind, durationMs, warnings });
    } catch (error) {
      context.request.signal.throwIfAborted();
      return { finished, failure: { file: step.script.file, error } };
    }
  }
  return { finished, failure: undefined };
}

async function runOne(
  { kind, version, name, script, rollback, statementsDone }: PlannedStep,
  fingerprints: boolean,
  { request, target, ports, backup }: Run,
): Promise<StepResult> {
  const { label: database } = target;
  const event = {
    ...eventFor({ version, name }, kind, request, ports),
    statements: script.statements.length,
    checksum: script.checksum,
    meaning: script.meaning,
    rollback,
    backupId: backup?.id ?? null,
  };
  ports.reporter.report({ type: 'migration.started', database, version, name, kind });
  const { lockTimeoutMs, lockRetries } = request;
  const onBlocked = (holders: readonly string[]): void =>
    ports.reporter.report({ type: 'migration.waiting', database, holders });
  try {
    const result = await target.run({
      script,
      event,
      statementsDone,
      fingerprints,
      lockTimeoutMs,
      lockRetries,
      onBlocked,
    });
    const { durationMs, outcome } = result;
    ports.reporter.report({ type: 'migration.finished', database, version, name, kind, durationMs, outcome });
    return result;
  } catch (error) {
    request.signal.throwIfAborted();
    const failed = { ...event, outcome: 'failed', rollback: null, error: messageOf(error) } as const;
    // Only evidence for people: the failure itself is what matters now.
    await target.record([failed], { add: [], remove: [] }).catch(() => undefined);
    throw error;
  }
}

/** @throws DbopsError MIGRATION_DRIFT with all of them */
function refuse(refusals: readonly Refusal[]): void {
  if (refusals.length === 0) return;
  const words = [...new Set(refusals.map(({ state }) => state))].filter((state) =>
    ['edited', 'missing', 'out-of-order'].includes(state),
  );
  const allow = words.map((word) => `--allow ${word}`).join(' ');
  throw new DbopsError('MIGRATION_DRIFT', refusals.map(({ reason }) => reason).join('\n'), {
    hint: `Nothing was run. See \`dbops migrate status\`.${allow === '' ? '' : ` If that is meant, add ${allow}.`}`,
  });
}

/** Everything would look pending, and be done a second time. */
function refuseUnrecorded({ state, populated }: Ledger, { label }: MigrationTarget): void {
  if (state !== 'absent' || !populated) return;
  throw new DbopsError('MIGRATION_DRIFT', `${label} has tables, and no ledger that says which migrations made them`, {
    hint: 'Say up to which version it is migrated: dbops migrate baseline --to <version> (--to 0 for none).',
  });
}
