import { resolve } from 'node:path';
import type { Command } from 'commander';
import { encrypts, type Encryption, type KeySources } from '../core/encryption.ts';
import { DbopsError } from '../core/errors.ts';
import type { Keyring } from '../core/ports/keys.ts';
import type { Ports } from '../operations/ports.ts';
import type { Session } from './session.ts';

/** The flags by which encrypted backups are read. */
export interface IdentityFlags {
  readonly identity?: readonly string[];
}

/** The flags by which backups are encrypted. */
export interface RecipientFlags {
  readonly recipient?: readonly string[];
  readonly recipientsFile?: readonly string[];
  readonly passphrase?: true;
  /** False by `--no-encrypt`. */
  readonly encrypt: boolean;
}

export function identityOption(command: Command): Command {
  return command.option(
    '--identity <file...>',
    'secret keys of age for what is encrypted (default: config, DBOPS_AGE_IDENTITY)',
  );
}

export function recipientOptions(command: Command): Command {
  return command
    .option('--recipient <key...>', 'public keys of age that it is encrypted for: age1…')
    .option('--recipients-file <file...>', 'files with a public key a line')
    .option('--passphrase', 'encrypt with a passphrase instead: of DBOPS_AGE_PASSPHRASE, or asked for');
}

/** The ports with the keys that read the backups of a target, or any where none is known. */
export function portsToRead(session: Session, target: string | undefined, flags: IdentityFlags): Ports {
  return session.portsWith(keyringToRead(session, target, flags));
}

export function keyringToRead(session: Session, target: string | undefined, { identity }: IdentityFlags): Keyring {
  const { sources } = session.settings.encryptionOf(target);
  const chosen =
    identity === undefined ? sources : { ...sources, identities: paths(session, identity), identityCommand: undefined };
  return session.keyringOf(chosen);
}

export interface Encrypting extends Encryption {
  readonly keyring: Keyring;
}

/**
 * How a target's backups are encrypted: as the flags say, else as the configuration does; undefined for not at all.
 * @throws DbopsError USAGE
 */
export function encryptionFor(session: Session, target: string, flags: RecipientFlags): Encrypting | undefined {
  const configured = session.settings.encryptionOf(target);
  const sources = { ...configured.sources, ...sourcesOf(session, flags) };
  if (!flags.encrypt || !encrypts(sources)) return undefined;
  return { ...configured, sources, keyring: session.keyringOf(sources) };
}

function sourcesOf(session: Session, flags: RecipientFlags): Partial<KeySources> {
  const { recipient = [], recipientsFile = [], passphrase } = flags;
  const hasRecipients = recipient.length + recipientsFile.length > 0;
  if (passphrase === true && hasRecipients) {
    throw new DbopsError('USAGE', '--passphrase and recipients exclude each other', {
      hint: 'age allows no other key beside a passphrase. Leave one out.',
    });
  }
  if (!flags.encrypt && (hasRecipients || passphrase === true)) {
    throw new DbopsError('USAGE', '--no-encrypt excludes recipients and --passphrase', { hint: 'Leave one out.' });
  }
  const secret = recipient.some((word) => word.startsWith('AGE-'));
  if (secret) {
    throw new DbopsError('USAGE', 'a secret key stands where a public one is expected', {
      hint: 'It is in the list of processes and the history of the shell now: make a new one with `dbops key generate`.',
    });
  }
  if (passphrase === true) return { recipients: [], recipientFiles: [], passphrase: true };
  if (!hasRecipients) return {};
  return { recipients: recipient, recipientFiles: paths(session, recipientsFile), passphrase: false };
}

function paths({ host }: Session, words: readonly string[]): readonly string[] {
  return words.map((word) => resolve(host.cwd, word));
}
