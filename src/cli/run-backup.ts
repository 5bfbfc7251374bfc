import { dirname } from 'node:path';
import type { Target } from '../config/settings.ts';
import type { Facts } from '../core/facts.ts';
import type { VerifyLevel } from '../core/levels.ts';
import type { Manifest } from '../core/manifest.ts';
import { passed, type Verification } from '../core/records.ts';
import type { BackupRequest } from '../operations/backup-request.ts';
import { backup } from '../operations/backup.ts';
import type { Ports } from '../operations/ports.ts';
import { prune } from '../operations/prune.ts';
import { findBackup, openStored } from '../operations/restorable.ts';
import { verify } from '../operations/verify.ts';
import { benchOf } from './addresses.ts';
import { openStorages, requestOf, type BackupFlags, type OpenStorage } from './backup-request.ts';
import { encryptionFor } from './keys.ts';
import type { Session } from './session.ts';

/** What became of one target's backup in one storage. */
export interface BackupOutcome {
  readonly target: string;
  /** Undefined where nothing was opened. */
  readonly storage?: string;
  readonly manifest?: Manifest;
  readonly facts?: Facts;
  readonly verification?: Verification;
  /** Ids that retention removed. */
  readonly pruned?: readonly string[];
  readonly error?: unknown;
}

/**
 * Backup, then the proof and the pruning that were asked for, in each storage. What was reached before a failure is told
 * too.
 */
export async function runBackup(
  session: Session,
  target: Target,
  flags: BackupFlags,
): Promise<readonly BackupOutcome[]> {
  const outcome: BackupOutcome = { target: target.name };
  try {
    await using stack = new AsyncDisposableStack();
    const storages = await openStorages(session, target, flags, stack);
    const request = await requestOf(session, target, flags, storages);
    const { manifest, facts, failures } = await backup(request, portsOf(session, target, flags));
    const outcomes: BackupOutcome[] = [];
    for (const opened of storages) {
      const { storage } = opened;
      const here = { ...outcome, storage: storage.label };
      const done = failures.has(storage)
        ? { ...here, error: failures.get(storage) }
        : await followUp({ session, target, flags, opened, request }, { ...here, manifest, facts });
      outcomes.push(done);
    }
    return outcomes;
  } catch (error) {
    return [{ ...outcome, error }];
  }
}

interface Work {
  readonly session: Session;
  readonly target: Target;
  readonly flags: BackupFlags;
  readonly opened: OpenStorage;
  readonly request: BackupRequest;
}

async function followUp(work: Work, made: BackupOutcome & { readonly manifest: Manifest }): Promise<BackupOutcome> {
  const { session, flags, opened, request } = work;
  const { storage, policy } = opened;
  let outcome: BackupOutcome = made;
  try {
    const level = flags.verify ?? session.settings.verify;
    if (level === 'structure' || level === 'restore') {
      outcome = { ...outcome, verification: await proveNew(work, made.manifest, level) };
    }
    // A backup that is not sound, or not known to be, must never be the reason why an older one goes.
    if (flags.prune !== true || (outcome.verification !== undefined && !passed(outcome.verification))) return outcome;
    const { target, lockWaitMs, signal } = request;
    const pruned = await prune({ target, storage, policy, lockWaitMs, signal }, session.ports);
    const removed = pruned.verdicts.filter(({ keep }) => !keep).map((verdict) => verdict.backup.id);
    return { ...outcome, pruned: removed };
  } catch (error) {
    return { ...outcome, error };
  }
}

async function proveNew(
  { session, target, flags, opened, request }: Work,
  manifest: Manifest,
  level: VerifyLevel,
): Promise<Verification> {
  const { storage } = opened;
  const { scratchParent, signal } = request;
  const ports = portsOf(session, target, flags);
  const found = await findBackup(storage, { name: manifest.id, target: manifest.target }, ports, { signal });
  const subject = await openStored({ storage, backup: found }, ports);
  // What is encrypted in the storage must not lie beside it: the disk of the database has it anyway.
  const own = request.encryption === undefined ? storage.traits.scratchParent : folderOf(session, target, request);
  const bench = benchOf(session, target);
  return verify({ subject, level, checks: target.checks, scratchParent: scratchParent ?? own, bench, signal }, ports);
}

/** With the keys of what is encrypted now. */
function portsOf(session: Session, target: Target, flags: BackupFlags): Ports {
  const encrypting = encryptionFor(session, target.name, flags);
  return encrypting === undefined ? session.ports : session.portsWith(encrypting.keyring);
}

function folderOf({ world }: Session, { address: word }: Target, { address }: BackupRequest): string | undefined {
  return world.engineForAddress(word).places === 'file' ? dirname(address.location) : undefined;
}

/** What `--dry-run` says of one target. */
export interface BackupPlan {
  readonly target: string;
  readonly database: string;
  readonly bytes: number;
  readonly storage: string;
  readonly codec: string;
  readonly encrypted: boolean;
}

/** One plan for each storage. */
export async function planBackup(session: Session, target: Target, flags: BackupFlags): Promise<BackupPlan[]> {
  await using stack = new AsyncDisposableStack();
  const storages = await openStorages(session, target, flags, stack);
  const { engine, address, signal, codec, encryption } = await requestOf(session, target, flags, storages);
  await using source = await engine.open(address, { signal });
  const { database, bytes } = source.probe;
  return storages.map(({ storage }) => ({
    target: target.name,
    database,
    bytes,
    storage: storage.label,
    codec: codec?.id ?? 'none',
    encrypted: encryption !== undefined,
  }));
}
