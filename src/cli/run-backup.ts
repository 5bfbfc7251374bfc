import { resolve } from 'node:path';
import type { Target } from '../config/settings.ts';
import { refuseContradictions } from '../core/dump-options.ts';
import { DbopsError } from '../core/errors.ts';
import { deriveTargetName } from '../core/ids.ts';
import type { FactLevel, VerifyLevel } from '../core/levels.ts';
import type { Manifest } from '../core/manifest.ts';
import type { Codec } from '../core/ports/codec.ts';
import type { DatabaseAddress, TestBench } from '../core/ports/engine.ts';
import { passed, type Verification } from '../core/records.ts';
import { backup, type BackupRequest } from '../operations/backup.ts';
import { prune } from '../operations/prune.ts';
import { findBackup, openStored } from '../operations/restorable.ts';
import { verify } from '../operations/verify.ts';
import { dumpOptionsOf, type DumpFlags } from './dump-flags.ts';
import { parseTags, type Session } from './session.ts';

export interface BackupFlags extends DumpFlags {
  readonly storage?: string;
  readonly class?: string;
  readonly tag?: readonly string[];
  readonly pin?: true;
  readonly compress?: string;
  readonly facts?: FactLevel;
  readonly verify?: 'none' | VerifyLevel;
  readonly prune?: true;
  readonly retentionDays?: number;
  readonly scratchDir?: string;
  readonly lockWait?: number;
  readonly lockTimeout?: number;
  readonly allDatabases?: true;
  readonly dryRun?: true;
}

export interface BackupOutcome {
  readonly target: string;
  readonly manifest?: Manifest;
  readonly verification?: Verification;
  /** Ids that retention removed. */
  readonly pruned?: readonly string[];
  readonly error?: unknown;
}

/** Backup, then the proof and the pruning that were asked for. What was reached before a failure is told too. */
export async function runBackup(session: Session, target: Target, flags: BackupFlags): Promise<BackupOutcome> {
  let outcome: BackupOutcome = { target: target.name };
  try {
    await using storage = await session.storageFor(target, flags.storage);
    const request = await requestOf(session, target, flags, storage);
    const manifest = await backup(request, session.ports);
    outcome = { ...outcome, manifest };
    const level = flags.verify ?? session.settings.verify;
    if (level === 'structure' || level === 'restore') {
      outcome = { ...outcome, verification: await proveNew(session, request, manifest, level, target) };
    }
    // A backup that is not sound, or not known to be, must never be the reason why an older one goes.
    if (flags.prune !== true || (outcome.verification !== undefined && !passed(outcome.verification))) return outcome;
    const policy = session.settings.policyOf(target.name, flags.retentionDays);
    const pruned = await prune({ ...request, policy }, session.ports);
    const removed = pruned.verdicts.filter(({ keep }) => !keep).map((verdict) => verdict.backup.id);
    return { ...outcome, pruned: removed };
  } catch (error) {
    return { ...outcome, error };
  }
}

/** What `--dry-run` says of one target. */
export interface BackupPlan {
  readonly target: string;
  readonly database: string;
  readonly bytes: number;
  readonly storage: string;
  readonly codec: string;
}

export async function planBackup(session: Session, target: Target, flags: BackupFlags): Promise<BackupPlan> {
  await using storage = await session.storageFor(target, flags.storage);
  const { engine, address, signal, codec } = await requestOf(session, target, flags, storage);
  await using source = await engine.open(address, { signal });
  const { probe } = source;
  return {
    target: target.name,
    database: probe.database,
    bytes: probe.bytes,
    storage: storage.label,
    codec: codec?.id ?? 'none',
  };
}

async function requestOf(
  session: Session,
  target: Target,
  flags: BackupFlags,
  storage: BackupRequest['storage'],
): Promise<BackupRequest> {
  const { settings, host } = session;
  const options = { ...target.dump, ...dumpOptionsOf(flags) };
  refuseContradictions(options);
  const scratch = flags.scratchDir === undefined ? settings.scratchDir : resolve(host.cwd, flags.scratchDir);
  return {
    target: target.name,
    named: target.named,
    engine: await session.ports.engineByName(session.world.engineForAddress(target.address).name),
    address: withLockTimeout(sourceOf(session, target), flags.lockTimeout),
    storage,
    class: parseClass(flags.class ?? target.class),
    tags: parseTags(flags.tag),
    pinned: flags.pin === true,
    codec: parseCodec(session, flags.compress ?? target.compress),
    facts: flags.facts ?? target.facts,
    options,
    readBack: (flags.verify ?? settings.verify) !== 'none',
    lockWaitMs: flags.lockWait ?? settings.lockWaitMs,
    scratchParent: scratch,
    git: gitOf(session),
    signal: session.signal,
  };
}

/** What is dumped: the database, or the standby that stands in for it. */
function sourceOf(session: Session, target: Target): DatabaseAddress {
  return addressOf(session, target.replica === undefined ? target : { ...target, address: target.replica });
}

function withLockTimeout(address: DatabaseAddress, lockTimeoutMs: number | undefined): DatabaseAddress {
  return lockTimeoutMs === undefined ? address : { ...address, lockTimeoutMs };
}

/** A server's databases, each a target of its own with a name made of both. */
export async function expandTarget(session: Session, target: Target): Promise<Target[]> {
  const engine = await session.ports.engineByName(session.world.engineForAddress(target.address).name);
  const databases = await engine.databases(addressOf(session, target), { signal: session.signal });
  const expanded = databases.map((database) => ({
    ...target,
    name: deriveTargetName(`${target.name}.${database}`),
    database,
  }));
  const names = expanded.map(({ name }) => name);
  const twice = expanded.filter(({ name }, index) => names.indexOf(name) !== index);
  if (twice.length === 0) return expanded;
  throw new DbopsError(
    'USAGE',
    `the names of several databases become one target: ${twice.map(({ name }) => name).join(', ')}`,
    {
      hint: 'Give each of them a name of its own under targets: in dbops.yaml.',
    },
  );
}

/** Where a target's database is, in its engine's own words. */
export function addressOf(session: Session, target: Target): DatabaseAddress {
  const located = session.world.engineForAddress(target.address).locate(target.address, target.folder, target.database);
  if (located.password !== undefined) session.hide(located.password);
  return { ...located, lockTimeoutMs: target.lockTimeoutMs, access: target.access };
}

/** Where test restores of a target are made. */
export function benchOf(session: Session, target: Target | undefined, scratchUrl?: string): TestBench {
  const url = scratchUrl ?? session.settings.scratchUrl;
  return {
    server: url === undefined ? undefined : addressOf(session, session.targetOf(url)),
    binDir: target?.access.binDir,
  };
}

async function proveNew(
  session: Session,
  { storage, scratchParent, signal }: BackupRequest,
  manifest: Manifest,
  level: VerifyLevel,
  target: Target,
): Promise<Verification> {
  const found = await findBackup(storage, { name: manifest.id, target: manifest.target }, session.ports, { signal });
  const subject = await openStored({ storage, backup: found }, session.ports);
  const parent = scratchParent ?? storage.traits.scratchParent;
  const bench = benchOf(session, target);
  return verify({ subject, level, checks: target.checks, scratchParent: parent, bench, signal }, session.ports);
}

function parseCodec(session: Session, text: string): Codec | undefined {
  if (text === 'none') return undefined;
  const codec = session.ports.codecs.parse(text);
  if (codec !== undefined) return codec;
  throw new DbopsError('USAGE', `${JSON.stringify(text)} is no way to compress`, {
    hint: 'Write zstd, zstd:1 to zstd:19, gzip, gzip:1 to gzip:9, or none.',
  });
}

function parseClass(text: string): string {
  if (/^[a-z][a-z0-9-]{0,31}$/.test(text)) return text;
  throw new DbopsError('USAGE', `${JSON.stringify(text)} is no class`, {
    hint: 'Use lower-case letters, digits and dashes.',
  });
}

// The names under which the common CI systems tell the commit they build.
function gitOf({ host }: Session): { commit: string } | undefined {
  const commit = ['GIT_COMMIT', 'GITHUB_SHA', 'CI_COMMIT_SHA']
    .map((name) => host.env[name])
    .find((value) => value !== undefined);
  return commit !== undefined && /^[0-9a-f]{7,64}$/.test(commit) ? { commit } : undefined;
}
