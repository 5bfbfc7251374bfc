import { resolve } from 'node:path';
import type { Target } from '../config/settings.ts';
import type { ChosenStorage } from '../config/storage-choice.ts';
import { refuseContradictions } from '../core/dump-options.ts';
import { DbopsError, hasCode } from '../core/errors.ts';
import type { FactLevel, VerifyLevel } from '../core/levels.ts';
import type { Codec } from '../core/ports/codec.ts';
import type { DatabaseAddress } from '../core/ports/engine.ts';
import type { CallOptions, Storage } from '../core/ports/storage.ts';
import { surelyKeptUntil, type RetentionPolicy } from '../core/retention.ts';
import { scratchOf } from '../core/scratch-place.ts';
import type { BackupEncryption, BackupRequest } from '../operations/backup-request.ts';
import type { DestinationRequest } from '../operations/destinations.ts';
import { rehearse } from '../operations/rehearse.ts';
import { addressOf } from './addresses.ts';
import { dumpOptionsOf, type DumpFlags } from './dump-flags.ts';
import { encryptionFor, type Encrypting, type RecipientFlags } from './keys.ts';
import { parseTags, type Session } from './session.ts';

export interface BackupFlags extends DumpFlags, RecipientFlags {
  readonly storage?: readonly string[];
  readonly class?: string;
  readonly tag?: readonly string[];
  readonly pin?: true;
  readonly compress?: string;
  readonly facts?: FactLevel;
  readonly verify?: 'none' | VerifyLevel;
  readonly prune?: true;
  readonly retentionDays?: number;
  readonly limitRate?: number;
  readonly scratchDir?: string;
  readonly lockWait?: number;
  readonly lockTimeout?: number;
  readonly allDatabases?: true;
  readonly dryRun?: true;
}

/** One storage that a target's backups go to. */
export interface OpenStorage {
  readonly choice: ChosenStorage;
  readonly storage: Storage;
  readonly policy: RetentionPolicy;
}

/** Opens all of them; nothing is written yet. */
export async function openStorages(
  session: Session,
  target: Target,
  flags: BackupFlags,
  stack: AsyncDisposableStack,
): Promise<readonly OpenStorage[]> {
  const opened: OpenStorage[] = [];
  for (const choice of session.settings.storagesOf(target, flags.storage ?? [])) {
    const limited = flags.limitRate === undefined ? {} : { limitRate: `${flags.limitRate}` };
    const storage = stack.use(await session.openStorage({ ...choice, settings: { ...choice.settings, ...limited } }));
    refuseTwice(storage, opened);
    opened.push({ choice, storage, policy: session.settings.policyOf(target.name, flags.retentionDays, choice) });
  }
  return opened;
}

function refuseTwice({ label }: Storage, opened: readonly OpenStorage[]): void {
  if (!opened.some(({ storage }) => storage.label === label)) return;
  throw new DbopsError('USAGE', `the storage ${label} is named twice`, { hint: 'Name each storage once.' });
}

function toDestination({ ports }: Session, { storage, policy, choice }: OpenStorage, name: string): DestinationRequest {
  if (choice.settings.lock === undefined) return { storage };
  const lockUntil = surelyKeptUntil({ at: ports.clock.now(), class: name }, policy);
  if (lockUntil !== undefined) return { storage, lockUntil };
  const message = `nothing is locked: no age limit of retention holds for class ${name}`;
  ports.reporter.report({ type: 'warning', subject: storage.label, message });
  return { storage };
}

/** What was said on the command line and in the configuration, as one request. */
export async function requestOf(
  session: Session,
  target: Target,
  flags: BackupFlags,
  destinations: readonly OpenStorage[],
): Promise<BackupRequest> {
  const { settings, host } = session;
  const options = { ...target.dump, ...dumpOptionsOf(flags) };
  refuseContradictions(options);
  const name = parseClass(flags.class ?? target.class);
  const scratch = flags.scratchDir === undefined ? settings.scratchDir : resolve(host.cwd, flags.scratchDir);
  return {
    target: target.name,
    named: target.named,
    engine: await session.ports.engineByName(session.world.engineForAddress(target.address).name),
    address: withLockTimeout(sourceOf(session, target), flags.lockTimeout),
    storages: destinations.map((destination) => toDestination(session, destination, name)),
    class: name,
    tags: parseTags(flags.tag),
    pinned: flags.pin === true,
    codec: parseCodec(session, flags.compress ?? target.compress),
    encryption: await openEncryption(session, target, flags),
    facts: flags.facts ?? target.facts,
    options,
    readBack: (flags.verify ?? settings.verify) !== 'none',
    lockWaitMs: flags.lockWait ?? settings.lockWaitMs,
    scratchParent: scratch,
    git: gitOf(session),
    signal: session.signal,
  };
}

/**
 * Whatever must be read again has to be readable: that is found out before anything is dumped.
 * @throws DbopsError KEY_MISSING, KEY_REFUSED
 */
async function openEncryption(
  session: Session,
  target: Target,
  flags: BackupFlags,
): Promise<BackupEncryption | undefined> {
  const encrypting = encryptionFor(session, target.name, flags);
  if (encrypting === undefined) {
    warnOfPlain(session, target, flags);
    return undefined;
  }
  const { keyring, facts } = encrypting;
  const { signal } = session;
  const cipher = session.portsWith(keyring).codecs.byId('age');
  if (cipher === undefined) throw new Error('there is no age');
  const level = flags.verify ?? session.settings.verify;
  const mustOpen = level === 'structure' || level === 'restore';
  if (level === 'restore') refuseUnplaced(session, target, flags);
  // A person is asked for a passphrase before anything is dumped, too.
  const keys = await keyring.encoding({ signal });
  const recipients = keys.type === 'recipients' ? keys.recipients : undefined;
  return { cipher, recipients, facts, opens: await opensHere(cipher, encrypting, mustOpen, { signal }) };
}

/** Keys to read with may stand there for older backups; or somebody believes that they encrypt. */
function warnOfPlain({ settings, ports }: Session, { name }: Target, { encrypt }: BackupFlags): void {
  const { declined, sources } = settings.encryptionOf(name);
  const hasKeys = sources.identities.length > 0 || sources.identityCommand !== undefined;
  if (!hasKeys || declined || !encrypt) return;
  const message = 'it is not encrypted: the configuration names keys to read with, and nobody to encrypt for';
  ports.reporter.report({ type: 'warning', subject: name, message });
}

/** A throw-away server needs a disk, which the database of another machine has not named. */
function refuseUnplaced({ settings, world }: Session, target: Target, { scratchDir }: BackupFlags): void {
  const named = scratchDir ?? settings.scratchDir ?? settings.scratchUrl;
  const scratch = world.engineForAddress(target.address).places === 'file' ? target.folder : named;
  scratchOf({ scratch });
}

async function opensHere(
  cipher: Codec,
  { keyring, sources }: Encrypting,
  mustOpen: boolean,
  options: CallOptions,
): Promise<boolean> {
  if (sources.passphrase) return true;
  if (!mustOpen && !(await keyring.atHand(options))) return false;
  try {
    await rehearse(cipher, options);
    return true;
  } catch (error) {
    // A key for other backups is no reason not to make this one.
    if (!mustOpen && (hasCode(error, 'KEY_REFUSED') || hasCode(error, 'KEY_MISSING'))) return false;
    throw error;
  }
}

/** What is dumped: the database, or the standby that stands in for it. */
function sourceOf(session: Session, target: Target): DatabaseAddress {
  return addressOf(session, target.replica === undefined ? target : { ...target, address: target.replica });
}

function withLockTimeout(address: DatabaseAddress, lockTimeoutMs: number | undefined): DatabaseAddress {
  return lockTimeoutMs === undefined ? address : { ...address, lockTimeoutMs };
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
export function gitOf({ host }: Session): { commit: string } | undefined {
  const commit = ['GIT_COMMIT', 'GITHUB_SHA', 'CI_COMMIT_SHA']
    .map((name) => host.env[name])
    .find((value) => value !== undefined);
  return commit !== undefined && /^[0-9a-f]{7,64}$/.test(commit) ? { commit } : undefined;
}
