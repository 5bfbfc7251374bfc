import type { ChosenStorage } from '../config/storage-choice.ts';
import { splitByTarget } from '../core/catalog.ts';
import { DbopsError } from '../core/errors.ts';
import type { TargetName } from '../core/ids.ts';
import type { Storage } from '../core/ports/storage.ts';
import { surelyKeptUntil } from '../core/retention.ts';
import { loadCatalog } from '../operations/load-catalog.ts';
import { planRotation, rotate, type Rotation } from '../operations/rotate.ts';
import { encryptionFor, portsToRead, type IdentityFlags, type RecipientFlags } from './keys.ts';
import type { Session } from './session.ts';

export interface RotateFlags extends IdentityFlags, RecipientFlags {
  readonly storage?: readonly string[];
  readonly target?: string;
  readonly lockWait?: number;
  readonly dryRun?: true;
}

/** What became of one backup. */
export interface Rotated extends Rotation {
  readonly target: string;
  readonly storage: string;
}

/** Encrypts the backups of one storage anew, or says what would be done. */
export async function rotateStorage(session: Session, choice: ChosenStorage, flags: RotateFlags): Promise<Rotated[]> {
  await using storage = await session.openStorage(choice);
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
        : await rotateOne(session, { storage, choice }, target, flags, { recipients, cipher });
    done.push(...rotations.map((rotation) => ({ ...rotation, target, storage: storage.label })));
  }
  return done;
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
  { storage, choice }: { readonly storage: Storage; readonly choice: ChosenStorage },
  target: TargetName,
  flags: RotateFlags,
  cipher: Cipher,
): Promise<readonly Rotation[]> {
  const { settings, signal } = session;
  const policy = settings.policyOf(target, undefined, choice);
  const lockUntil = ({ manifest }: { manifest: { finishedAt: string; class: string } }) =>
    choice.settings.lock === undefined
      ? undefined
      : surelyKeptUntil({ at: new Date(manifest.finishedAt), class: manifest.class }, policy);
  const lockWaitMs = flags.lockWait ?? settings.lockWaitMs;
  const request = { target, storage, ...cipher, lockUntil, lockWaitMs, signal };
  return rotate(request, portsToRead(session, target, flags));
}
