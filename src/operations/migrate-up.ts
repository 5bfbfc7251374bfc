import { DbopsError, messageOf } from '../core/errors.ts';
import type { Ledger } from '../core/migrations/ledger.ts';
import { judge, planUp, type Refusal, type UpPlan, type UpRequest } from '../core/migrations/plan.ts';
import type { MigrationTarget, StepResult } from '../core/ports/migration-target.ts';
import { eventFor, openTarget, readMigrations, refuseProblems, type MigrateRequest } from './migrate-request.ts';
import type { Ports } from './ports.ts';

export interface MigrateUpRequest extends MigrateRequest, UpRequest {
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

export interface AppliedMigration {
  readonly version: string;
  readonly name: string;
  readonly durationMs: number;
  readonly warnings: readonly string[];
}

export interface MigrateUpResult {
  readonly database: string;
  readonly applied: readonly AppliedMigration[];
  readonly backup: BackupNote | undefined;
  /** What is unhealthy in the database afterwards. */
  readonly warnings: readonly string[];
  /** What ended the run; those in `applied` stay. */
  readonly failure: { readonly file: string; readonly error: unknown } | undefined;
}

/** What `up` would do, without doing it. */
export async function planMigrateUp(request: MigrateUpRequest): Promise<UpPlan & { readonly database: string }> {
  const { migrations, problems } = await readMigrations(request.folder, request.engine.rules);
  refuseProblems(problems);
  await using target = await openTarget(request);
  const ledger = await target.readLedger();
  refuseUnrecorded(ledger, target);
  return { ...planUp(judge(migrations, ledger), request), database: target.label };
}

/**
 * Applies what is pending, each file for itself, oldest first. Whoever comes second waits, and finds nothing left to do.
 * @throws DbopsError when nothing was done at all; what failed on the way stands in `failure`
 */
export async function migrateUp(request: MigrateUpRequest, ports: Ports): Promise<MigrateUpResult> {
  const { migrations, problems } = await readMigrations(request.folder, request.engine.rules);
  refuseProblems(problems);
  await using target = await openTarget(request);
  const { label: database } = target;
  const look = async (): Promise<{ readonly ledger: Ledger; readonly plan: UpPlan }> => {
    const ledger = await target.readLedger();
    const plan = planUp(judge(migrations, ledger), request);
    refuse(plan.refusals);
    return { ledger, plan };
  };
  const nothing = { database, applied: [], backup: undefined, warnings: [], failure: undefined };
  if ((await look()).plan.run.length === 0) return nothing;
  await using held = new AsyncDisposableStack();
  held.use(
    await target.lock(request.lockWaitMs, (holder) =>
      ports.reporter.report({ type: 'migration.waiting', database, holders: [holder] }),
    ),
  );
  // What another run did while this one waited.
  const { ledger, plan } = await look();
  if (plan.run.length === 0) return nothing;
  refuseUnrecorded(ledger, target);
  const backup = ledger.populated ? await request.backup() : undefined;
  await target.prepare();
  const { applied, failure } = await applyAll(plan, { request, target, ports, backup });
  request.signal.throwIfAborted();
  const warnings = failure === undefined ? await target.inspect() : [];
  return { database, applied, backup, warnings, failure };
}

interface Run {
  readonly request: MigrateUpRequest;
  readonly target: MigrationTarget;
  readonly ports: Ports;
  readonly backup: BackupNote | undefined;
}

/** Fingerprints cost more than a small migration: with many, the first and the last get them. */
const mostFingerprints = 20;

async function applyAll({ run }: UpPlan, context: Run): Promise<Pick<MigrateUpResult, 'applied' | 'failure'>> {
  const applied: AppliedMigration[] = [];
  for (const [index, step] of run.entries()) {
    const isEdge = index === 0 || index === run.length - 1;
    try {
      const { outcome, durationMs, warnings } = await applyOne(step, isEdge || run.length <= mostFingerprints, context);
      if (outcome === 'elsewhere') continue;
      applied.push({ version: step.version, name: step.name, durationMs, warnings });
    } catch (error) {
      context.request.signal.throwIfAborted();
      return { applied, failure: { file: step.migration.file, error } };
    }
  }
  return { applied, failure: undefined };
}

async function applyOne(
  { migration, statementsDone }: UpPlan['run'][number],
  fingerprints: boolean,
  { request, target, ports, backup }: Run,
): Promise<StepResult> {
  const { up, rollback, version, name } = migration;
  const { label: database } = target;
  const event = {
    ...eventFor(migration, 'up', request, ports),
    statements: up.statements.length,
    checksum: up.checksum,
    meaning: up.meaning,
    rollback: rollback?.text ?? null,
    backupId: backup?.id ?? null,
  };
  ports.reporter.report({ type: 'migration.started', database, version, name });
  const { lockTimeoutMs, lockRetries } = request;
  const onBlocked = (holders: readonly string[]): void =>
    ports.reporter.report({ type: 'migration.waiting', database, holders });
  try {
    const step = { script: up, event, statementsDone, fingerprints, lockTimeoutMs, lockRetries, onBlocked };
    const result = await target.run(step);
    const { durationMs, outcome } = result;
    ports.reporter.report({ type: 'migration.finished', database, version, name, durationMs, outcome });
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
  const words = [...new Set(refusals.map(({ state }) => state))];
  throw new DbopsError('MIGRATION_DRIFT', refusals.map(({ reason }) => reason).join('\n'), {
    hint: `Nothing was run. See \`dbops migrate status\`. If that is meant, add ${words.map((word) => `--allow ${word}`).join(' ')}.`,
  });
}

/** Everything would look pending, and be done a second time. */
function refuseUnrecorded({ state, populated }: Ledger, { label }: MigrationTarget): void {
  if (state !== 'absent' || !populated) return;
  throw new DbopsError('MIGRATION_DRIFT', `${label} has tables, and no ledger that says which migrations made them`, {
    hint: 'Say up to which version it is migrated: dbops migrate baseline --to <version> (--to 0 for none).',
  });
}
