import { DbopsError, hasCode, messageOf } from '../core/errors.ts';
import { keyIn } from '../core/ids.ts';
import type { VerifyLevel } from '../core/levels.ts';
import type { Check, TestBench } from '../core/ports/engine.ts';
import { serializeRecord, verificationName, withoutWords, type Verification } from '../core/records.ts';
import { checkStored } from './check-stored.ts';
import { compare, describeCheck, levelOf, type Findings } from './findings.ts';
import type { Ports } from './ports.ts';
import { requireManifest } from './require-manifest.ts';
import { originOf, type Restorable } from './restorable.ts';
import { openScratchPlace } from './scratch-place.ts';
import { putBytes } from './store-parts.ts';

export interface VerifyRequest {
  readonly subject: Restorable;
  readonly level: VerifyLevel;
  /** Run on the restored copy, at level `restore`. */
  readonly checks: readonly Check[];
  readonly scratchParent: string | undefined;
  /** Where the test restore is made. */
  readonly bench?: TestBench;
  readonly signal: AbortSignal;
}

/**
 * Proves a backup as far as the level goes, and records what was found beside it. Resolves also when it found
 * problems (`ok` is false then) or checks that did not run (see `passed`); rejects only when it could not judge.
 */
export async function verify(request: VerifyRequest, ports: Ports): Promise<Verification> {
  const { subject, level } = request;
  const startedAt = ports.clock.now();
  const [target, id] = nameOf(subject);
  ports.reporter.report({ type: 'verify.started', target, id, level });
  const findings = await look(request, ports);
  const durationMs = ports.clock.now().getTime() - startedAt.getTime();
  // A check that cannot run, perhaps because it is newer than the backup, says nothing of the backup.
  const violated = findings.checks.filter(({ ok, error }) => !ok && error === undefined);
  const problems = [...findings.problems, ...violated.map(describeCheck)];
  const record: Verification = {
    formatVersion: 1,
    level,
    ok: problems.length === 0,
    at: ports.clock.now().toISOString(),
    durationMs,
    host: ports.host,
    problems,
    warnings: [...findings.warnings],
    checks: findings.checks.map((check) => ({ ...check })),
  };
  await keep(record, request, ports);
  ports.reporter.report({ type: 'verify.finished', target, id, level, ok: record.ok, durationMs });
  return record;
}

async function look(request: VerifyRequest, ports: Ports): Promise<Findings> {
  const { subject, level, signal } = request;
  const stored = subject.stored === undefined ? undefined : await checkStored(subject.stored, { signal });
  // What is known to be damaged is not restored: the first finding is the one that helps.
  if (level === 'checksum' || (stored !== undefined && stored.problems.length > 0))
    return stored ?? noChecksum(subject);
  const warnings = stored?.warnings ?? [];
  const deeper = await judged(signal, () =>
    level === 'structure' ? inspect(request) : restoreAndCompare(request, ports),
  );
  return { ...deeper, warnings: [...warnings, ...deeper.warnings] };
}

function noChecksum({ label }: Restorable): Findings {
  throw new DbopsError('USAGE', `${label} has no recorded checksums`, {
    hint: 'dbops did not make this file. Use --level structure or --level restore.',
  });
}

/**
 * Turns damage met on the way into a finding. What is no statement about the backup, such as a tool that failed, goes on
 * as an error: a record of it would let prune take the backup.
 */
async function judged(signal: AbortSignal, judge: () => Promise<Findings>): Promise<Findings> {
  try {
    return await judge();
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof DbopsError) || !['DAMAGED', 'OBJECT_MISSING'].includes(error.code)) throw error;
    return { problems: [error.message], warnings: [], checks: [] };
  }
}

async function inspect({ subject, signal }: VerifyRequest): Promise<Findings> {
  return { problems: await subject.engine.inspect(subject.parts, 'whole', { signal }), warnings: [], checks: [] };
}

async function restoreAndCompare(
  { subject, checks, scratchParent, bench, signal }: VerifyRequest,
  ports: Ports,
): Promise<Findings> {
  await using place = await openScratchPlace(subject.encrypted, scratchParent, ports);
  await using staging = await subject.engine.stage(subject.parts, undefined, {
    scratch: place.scratch,
    ...(await originOf(subject, { signal })),
    ...(bench === undefined ? {} : { bench }),
    signal,
    onProgress: (bytes, totalBytes) =>
      ports.reporter.report({ type: 'progress', activity: 'restore', bytes, totalBytes }),
  });
  const { facts: recorded } = await subject.recall({ signal });
  const [target] = nameOf(subject);
  ports.reporter.report({ type: 'activity', target, activity: 'examine' });
  return compare(recorded, await staging.examine({ facts: levelOf(recorded), checks, signal }));
}

function nameOf({ stored, label }: Restorable): readonly [string, string] {
  return stored === undefined ? [label, label] : [stored.backup.manifest.target, stored.backup.manifest.id];
}

async function keep(record: Verification, { subject, signal }: VerifyRequest, ports: Ports): Promise<void> {
  if (subject.stored === undefined) return;
  const { storage, backup } = subject.stored;
  // What tells of the content is encrypted: its problems, which may name tables, must not stand beside it.
  const shown = backup.manifest.formatVersion === 1 ? record : withoutWords(record);
  const key = keyIn(backup.prefix, verificationName(record, ports.random(4)));
  await requireManifest(storage, backup, { signal });
  try {
    await putBytes(storage, key, serializeRecord(shown), { signal, ifAbsent: true });
  } catch (error) {
    signal.throwIfAborted();
    const message = `the result could not be recorded: ${messageOf(error)}`;
    ports.reporter.report({ type: 'warning', subject: subject.label, message });
    return;
  }
  try {
    await requireManifest(storage, backup, { signal });
  } catch (error) {
    // No lock is held, so prune may have taken the backup in between: a record alone must not stay.
    if (hasCode(error, 'NOTHING_MATCHES')) await storage.remove(key, { signal });
    throw error;
  }
}
