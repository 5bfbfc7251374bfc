import type { Backup } from '../core/catalog.ts';
import type { CopyPlan, LeftOut } from '../core/copy-plan.ts';
import { exitCodeOf } from '../core/errors.ts';
import { storedBytes } from '../core/manifest.ts';
import type { Storage } from '../core/ports/storage.ts';
import type { CopyOutcome } from '../operations/copy.ts';
import { formatBytes } from '../report/format.ts';
import { errorDocument } from './failure.ts';
import type { CommandResult } from './session.ts';

/** What came of one target: a plan and its outcomes, or why there is neither. */
export type TargetCopy =
  | { readonly target: string; readonly plan: CopyPlan; readonly outcomes: readonly CopyOutcome[] }
  | { readonly target: string; readonly error: unknown };

interface Between {
  readonly from: Storage;
  readonly to: Storage;
  readonly dryRun: boolean;
}

/** The result of `copy`, for scripts and for people. */
export function presentCopies(copies: readonly TargetCopy[], { from, to, dryRun }: Between): CommandResult {
  const [first] = copies;
  if (copies.length === 1 && first !== undefined && 'error' in first) throw first.error;
  const failures = copies.flatMap(failuresOf);
  const exitCode = failures.map(({ error }) => exitCodeOf(error)).find((code) => code !== 0) ?? 0;
  const targets = copies.map((copy) => toDocument(copy, dryRun));
  return {
    exitCode,
    document: { ok: exitCode === 0, exitCode, dryRun, from: from.label, to: to.label, targets },
    text: copies.map((copy) => describe(copy, to, dryRun)).join('\n'),
    ...(exitCode === 0 ? {} : { failure: `not copied: ${failures.map(({ prefix }) => prefix).join(', ')}` }),
  };
}

interface Failure {
  readonly prefix: string;
  readonly error: unknown;
}

function failuresOf(copy: TargetCopy): Failure[] {
  if ('error' in copy) return [{ prefix: copy.target, error: copy.error }];
  const failed = copy.outcomes.flatMap((outcome) =>
    outcome.type === 'failed' ? [{ prefix: outcome.backup.prefix, error: outcome.error }] : [],
  );
  return [...copy.plan.refused, ...failed];
}

function toDocument(copy: TargetCopy, dryRun: boolean): object {
  if ('error' in copy) return { target: copy.target, error: errorDocument(copy.error) };
  const { target, plan, outcomes } = copy;
  return {
    target,
    [dryRun ? 'missing' : 'copied']: (dryRun ? plan.missing : copiedOf(outcomes)).map(({ manifest }) => ({
      id: manifest.id,
      bytes: storedBytes(manifest),
    })),
    present: plan.present.length,
    left: plan.left.map(reasonOf),
    vanished: outcomes.filter(({ type }) => type === 'vanished').map(({ backup }) => backup.manifest.id),
    doubtful: plan.doubtful.map(reasonOf),
    failed: failuresOf(copy).map(({ prefix, error }) => ({ id: idOf(prefix), error: errorDocument(error) })),
  };
}

function reasonOf({ prefix, reason }: LeftOut): object {
  return { id: idOf(prefix), reason };
}

function idOf(prefix: string): string {
  return prefix.slice(prefix.indexOf('/') + 1);
}

function copiedOf(outcomes: readonly CopyOutcome[]): Backup[] {
  return outcomes.filter(({ type }) => type === 'copied').map(({ backup }) => backup);
}

function describe(copy: TargetCopy, to: Storage, dryRun: boolean): string {
  if ('error' in copy) return `${copy.target}: ${describeFailed(copy.error)}`;
  const { target, plan, outcomes } = copy;
  const moved = dryRun ? plan.missing : copiedOf(outcomes);
  const bytes = moved.reduce((sum, { manifest }) => sum + storedBytes(manifest), 0);
  const verb = dryRun ? 'would copy' : 'copied';
  const done = plan.missing.length === 0 ? 'nothing to copy' : `${verb} ${countOf(moved)} (${formatBytes(bytes)})`;
  return [
    `${target}: ${done} to ${to.label}, ${plan.present.length} there already`,
    ...moved.map(({ manifest }) => `  ${manifest.id}  ${formatBytes(storedBytes(manifest))}`),
    ...plan.left.map(({ prefix, reason }) => `  left out: ${prefix}: ${reason}`),
    ...failuresOf(copy).map(({ prefix, error }) => `  ${prefix}: ${describeFailed(error)}`),
  ].join('\n');
}

function countOf({ length }: readonly Backup[]): string {
  return `${length} ${length === 1 ? 'backup' : 'backups'}`;
}

function describeFailed(error: unknown): string {
  const { message, hint } = errorDocument(error);
  return `FAILED: ${message}${hint === null ? '' : `\n  hint: ${hint}`}`;
}
