import { splitByTarget } from '../../core/catalog.ts';
import { DbopsError, exitCodeOf } from '../../core/errors.ts';
import type { TargetName } from '../../core/ids.ts';
import { storedBytes } from '../../core/manifest.ts';
import type { Storage } from '../../core/ports/storage.ts';
import { surelyKeptUntil } from '../../core/retention.ts';
import { loadCatalog } from '../../operations/load-catalog.ts';
import { planRotation, rotate, type Rotation } from '../../operations/rotate.ts';
import { formatBytes } from '../../report/format.ts';
import { errorDocument } from '../failure.ts';
import { encryptionFor, portsToRead, type IdentityFlags, type RecipientFlags } from '../keys.ts';
import type { CommandResult, Session } from '../session.ts';
import { chosenStorage, storageOf } from '../subject.ts';

export interface RotateFlags extends IdentityFlags, RecipientFlags {
  readonly storage?: string;
  readonly target?: string;
  readonly lockWait?: number;
  readonly dryRun?: true;
}

interface Rotated extends Rotation {
  readonly target: string;
}

/** Each target has its own keys; what fails for one backup does not keep the others from being encrypted anew. */
export async function rotateAll(session: Session, flags: RotateFlags): Promise<CommandResult> {
  await using storage = await storageOf(session, flags);
  const only = flags.target === undefined ? {} : { target: flags.target };
  const catalog = await loadCatalog(storage, { signal: session.signal, ...only });
  const unread = catalog.broken.find(({ unread: error }) => error !== undefined)?.unread;
  if (unread !== undefined) throw unread;
  if (catalog.backups.length === 0) {
    throw new DbopsError('NOTHING_MATCHES', `no backup to encrypt anew in ${storage.label}`, {
      hint: 'Check --storage and --target.',
    });
  }
  const done: Rotated[] = [];
  for (const [target, own] of splitByTarget(catalog)) {
    const { recipients, cipher } = await cipherFor(session, target, flags);
    const rotations =
      flags.dryRun === true
        ? planRotation(own, recipients).map((step): Rotation => ({ step }))
        : await rotateOne(session, storage, target, flags, { recipients, cipher });
    done.push(...rotations.map((rotation) => ({ ...rotation, target })));
  }
  return present(done, flags.dryRun === true);
}

type Cipher = Awaited<ReturnType<typeof cipherFor>>;

async function cipherFor(session: Session, target: string, flags: RotateFlags) {
  const encrypting = encryptionFor(session, target, { ...flags, encrypt: true });
  const keys = await encrypting?.keyring.encoding({ signal: session.signal });
  const cipher = encrypting === undefined ? undefined : session.portsWith(encrypting.keyring).codecs.byId('age');
  if (keys?.type === 'recipients' && cipher !== undefined) return { recipients: keys.recipients, cipher };
  throw new DbopsError('USAGE', `no recipients were named for the backups of ${target}`, {
    hint: 'Add --recipient age1… or --recipients-file, or name them under encryption. Rotating to a passphrase is not possible.',
  });
}

async function rotateOne(
  session: Session,
  storage: Storage,
  target: TargetName,
  flags: RotateFlags,
  cipher: Cipher,
): Promise<readonly Rotation[]> {
  const { settings, signal } = session;
  const choice = chosenStorage(session, flags);
  const policy = settings.policyOf(target, undefined, choice);
  const lockUntil = ({ manifest }: { manifest: { finishedAt: string; class: string } }) =>
    choice.settings.lock === undefined
      ? undefined
      : surelyKeptUntil({ at: new Date(manifest.finishedAt), class: manifest.class }, policy);
  const lockWaitMs = flags.lockWait ?? settings.lockWaitMs;
  const request = { target, storage, ...cipher, lockUntil, lockWaitMs, signal };
  return rotate(request, portsToRead(session, target, flags));
}

function present(done: readonly Rotated[], dryRun: boolean): CommandResult {
  const failed = done.filter(({ error }) => error !== undefined);
  const exitCode = failed.length === 0 ? 0 : exitCodeOf(failed[0]?.error);
  return {
    exitCode,
    document: { ok: exitCode === 0, exitCode, dryRun, backups: done.map(toDocument) },
    text: done.map((rotated) => describe(rotated, dryRun)).join('\n'),
    ...(exitCode === 0 ? {} : { failure: `${failed.length} of ${done.length} backups stay as they were` }),
  };
}

function toDocument({ target, step, to, error }: Rotated): object {
  const { id } = step.backup.manifest;
  return {
    target,
    id,
    action: step.type === 'skip' ? 'skip' : 'rotate',
    reason: step.type === 'skip' ? step.reason : null,
    to: to ?? null,
    ...(error === undefined ? {} : { error: errorDocument(error) }),
  };
}

function describe({ target, step, to, error }: Rotated, dryRun: boolean): string {
  const { manifest } = step.backup;
  const name = `${target}/${manifest.id}`;
  if (error !== undefined) return `${name}: FAILED: ${errorDocument(error).message}`;
  if (step.type === 'skip') return `${name}: left alone, ${step.reason}`;
  if (dryRun) return `${name}: would be encrypted anew (${formatBytes(storedBytes(manifest))})`;
  return `${name}: is ${target}/${to ?? ''} now`;
}
