import { DbopsError, exitCodeOf } from '../../core/errors.ts';
import type { Facts } from '../../core/facts.ts';
import { storedBytes } from '../../core/manifest.ts';
import { passed } from '../../core/records.ts';
import { isEncrypted } from '../../operations/restorable.ts';
import { formatBytes } from '../../report/format.ts';
import { expandTarget } from '../addresses.ts';
import type { BackupFlags } from '../backup-request.ts';
import { errorDocument } from '../failure.ts';
import { proofOf } from '../proof.ts';
import { planBackup, runBackup, type BackupOutcome, type BackupPlan } from '../run-backup.ts';
import type { CommandResult, Session } from '../session.ts';

/**
 * One target's failure does not keep the others from being backed up, nor does one storage's; the first failure's code is
 * the exit code.
 */
export async function backupAll(
  session: Session,
  words: readonly string[],
  flags: BackupFlags,
): Promise<CommandResult> {
  if (flags.retentionDays !== undefined && flags.prune !== true) {
    throw new DbopsError('USAGE', '--retention-days has no effect without --prune', { hint: 'Add --prune.' });
  }
  const named = (words.length > 0 ? words : session.settings.defaultTargets()).map((word) => session.targetOf(word));
  const targets =
    flags.allDatabases === true
      ? (await Promise.all(named.map((target) => expandTarget(session, target)))).flat()
      : named;
  if (flags.dryRun === true) {
    const plans = (await Promise.all(targets.map((target) => planBackup(session, target, flags)))).flat();
    return { document: { ok: true, dryRun: true, backups: plans }, text: plans.map(describePlan).join('\n') };
  }
  const outcomes: BackupOutcome[] = [];
  for (const target of targets) {
    const reached = await runBackup(session, target, flags);
    const [first] = reached;
    if (first?.error !== undefined && reached.length === 1 && targets.length === 1) throw first.error;
    if (reached.some(({ error }) => error !== undefined)) session.signal.throwIfAborted();
    outcomes.push(...reached);
  }
  const exitCode = outcomes.map(codeOf).find((code) => code !== 0) ?? 0;
  return {
    exitCode,
    document: { ok: exitCode === 0, exitCode, backups: outcomes.map(toDocument) },
    text: outcomes.map((outcome) => describe(outcome, outcomes)).join('\n'),
    ...(exitCode === 0 ? {} : { failure: failureOf(outcomes) }),
  };
}

function failureOf(outcomes: readonly BackupOutcome[]): string {
  const failed = outcomes.filter((outcome) => codeOf(outcome) !== 0);
  const names = failed.map(({ target, storage }) => (storage === undefined ? target : `${target} in ${storage}`));
  return `${failed.length} of ${outcomes.length} backups failed: ${names.join(', ')}`;
}

function describePlan({ target, database, bytes, storage, codec, encrypted }: BackupPlan): string {
  const how = `compression: ${codec}${encrypted ? ', encrypted' : ''}`;
  return `${target}: would back up ${database} (${formatBytes(bytes)}) to ${storage}, ${how}`;
}

function codeOf({ error, verification }: BackupOutcome): number {
  if (error !== undefined) return exitCodeOf(error);
  return verification !== undefined && !passed(verification) ? exitCodeOf(new DbopsError('VERIFY_FAILED', '')) : 0;
}

function toDocument({ target, storage, manifest, verification, pruned, error }: BackupOutcome): object {
  return {
    target,
    ...(storage === undefined ? {} : { storage }),
    ...(manifest === undefined ? {} : { id: manifest.id, bytes: storedBytes(manifest), manifest }),
    ...(verification === undefined ? {} : { verification }),
    ...(pruned === undefined ? {} : { removed: pruned }),
    ...(error === undefined ? {} : { error: errorDocument(error) }),
  };
}

function describe(outcome: BackupOutcome, all: readonly BackupOutcome[]): string {
  const { target, storage, manifest, facts, verification, pruned, error } = outcome;
  // With one storage there is nothing to tell apart.
  const isOne = all.filter((other) => other.target === target).length === 1;
  const where = isOne || storage === undefined ? '' : `  ${storage}`;
  if (manifest === undefined) {
    const { message, hint } = errorDocument(error);
    return `${target}:${where} FAILED: ${message}${hint === null ? '' : `\nhint: ${hint}`}`;
  }
  const lines = [
    `${target}: ${manifest.id}  ${formatBytes(storedBytes(manifest))}  ${factsOf(facts)}${isEncrypted(manifest) ? ', encrypted' : ''}${where}`,
  ];
  if (verification !== undefined) lines.push(proofOf(verification));
  if (pruned !== undefined)
    lines.push(`  removed by retention: ${pruned.length === 0 ? 'nothing' : pruned.join(', ')}`);
  if (error !== undefined) lines.push(`  then FAILED: ${errorDocument(error).message}`);
  return lines.join('\n');
}

function factsOf(facts: Facts | undefined): string {
  if (facts === undefined) return '';
  const rows = facts.tables.reduce((sum, table) => sum + (table.rows ?? 0), 0);
  return `${facts.tables.length} tables, ${rows} rows`;
}
