import type { KeySources } from '../core/encryption.ts';
import { DbopsError } from '../core/errors.ts';
import type { EncodingKeys, Identity, Keyring } from '../core/ports/keys.ts';
import type { CallOptions } from '../core/ports/storage.ts';
import { parseIdentity, readIdentity } from './identity.ts';
import { readRecipients } from './recipient-file.ts';
import { outputOfCommand } from './secret-command.ts';
import { readSecretFile } from './secret-file.ts';

/** What keys may know of the process they are used in. */
export interface KeyHost {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Whether somebody is there to be asked. */
  readonly interactive: boolean;
  /** Asks without showing what is typed. */
  askSecret(question: string): Promise<string>;
  /** From now on this is never printed. */
  hide(secret: string): void;
}

/** The keys that are in these places, in the environment, or typed by a person where there are none else. */
export function createKeyring(sources: KeySources, host: KeyHost): Keyring {
  const recipients = once(() => collectRecipients(sources));
  const identities = once((options) => collectIdentities(sources, host, options));
  const given = once((options) => findPassphrase(sources, host, options));
  const chosen = once((options) => choosePassphrase(given, host, options));
  const askOnce = once(() => askPassphrase(host));
  let encoded: Promise<string> | undefined;
  return {
    encoding: async (options): Promise<EncodingKeys> => {
      if (!sources.passphrase) return { type: 'recipients', recipients: await recipients(options) };
      encoded = chosen(options);
      return { type: 'passphrase', passphrase: await encoded };
    },
    // What a person typed to encrypt with is not asked for again.
    passphrase: async (options) => encoded ?? (await given(options)) ?? (await askOnce(options)),
    identities,
    atHand: (options) => isAtHand(sources, host, options),
  };
}

type Look<T> = (options: CallOptions) => Promise<T>;

function once<T>(look: Look<T>): Look<T> {
  let found: Promise<T> | undefined;
  return (options) => (found ??= look(options));
}

async function collectRecipients({ recipients, recipientFiles }: KeySources): Promise<readonly string[]> {
  const inFiles = await Promise.all(recipientFiles.map((file) => readRecipients(file)));
  const all = [...new Set([...recipients, ...inFiles.flat()])];
  const stranger = all.find((recipient) => !/^(age1[a-z0-9+-]{20,}|ssh-(ed25519|rsa) \S+( .*)?)$/.test(recipient));
  if (stranger === undefined) return all;
  throw new DbopsError('CONFIG_INVALID', `${JSON.stringify(stranger.slice(0, 80))} is no recipient`, {
    hint: 'Write a public key: age1…, as `dbops key generate` prints it, or one of ssh (ssh-ed25519 …).',
  });
}

async function collectIdentities(
  { identities, identityCommand }: KeySources,
  host: KeyHost,
  options: CallOptions,
): Promise<readonly Identity[]> {
  const found: Identity[] = identitiesOf(host);
  const fromFile = variable('DBOPS_AGE_IDENTITY_FILE', host);
  const files = fromFile === undefined || found.length > 0 ? identities : [fromFile, ...identities];
  for (const file of new Set(files)) found.push(hidden(await readIdentity(file), host));
  if (identityCommand !== undefined) {
    const text = await outputOfCommand(identityCommand, host.environment, options);
    found.push(hidden(parseIdentity(text, `the output of ${identityCommand[0] ?? ''}`), host));
  }
  if (found.length > 0 || !host.interactive) return found;
  const typed = (await host.askSecret('Secret key (AGE-SECRET-KEY-…): ')).trim();
  return typed === '' ? [] : [hidden(parseIdentity(typed, 'what was typed'), host)];
}

function identitiesOf(host: KeyHost): Identity[] {
  const text = variable('DBOPS_AGE_IDENTITY', host);
  return text === undefined ? [] : [hidden(parseIdentity(text, 'DBOPS_AGE_IDENTITY'), host)];
}

function hidden(identity: Identity, host: KeyHost): Identity {
  identity.secrets.forEach((secret) => host.hide(secret));
  return identity;
}

async function findPassphrase(
  { passphraseCommand }: KeySources,
  host: KeyHost,
  options: CallOptions,
): Promise<string | undefined> {
  const file = variable('DBOPS_AGE_PASSPHRASE_FILE', host);
  const given =
    variable('DBOPS_AGE_PASSPHRASE', host) ??
    (file === undefined ? undefined : firstLine(await readSecretFile(file))) ??
    (passphraseCommand === undefined
      ? undefined
      : firstLine(await outputOfCommand(passphraseCommand, host.environment, options)));
  if (given === undefined || given === '') return undefined;
  host.hide(given);
  return given;
}

async function askPassphrase(host: KeyHost): Promise<string | undefined> {
  if (!host.interactive) return undefined;
  const typed = await host.askSecret('Passphrase of the backup: ');
  host.hide(typed);
  return typed === '' ? undefined : typed;
}

async function choosePassphrase(given: Look<string | undefined>, host: KeyHost, options: CallOptions): Promise<string> {
  const known = await given(options);
  if (known !== undefined) return known;
  if (!host.interactive) {
    throw new DbopsError('KEY_MISSING', 'a passphrase is to be used, and none was given', {
      hint: 'Set DBOPS_AGE_PASSPHRASE_FILE, or encryption.passphraseCommand, or run this at a terminal.',
    });
  }
  const first = await host.askSecret('Passphrase for the backup: ');
  host.hide(first);
  if (first.length < 8) {
    throw new DbopsError('USAGE', 'the passphrase is shorter than 8 characters', {
      hint: 'Whoever has the backup can try millions of them. Take five random words or more.',
    });
  }
  if ((await host.askSecret('The same again: ')) === first) return first;
  throw new DbopsError('USAGE', 'the two passphrases differ', { hint: 'Run this again.' });
}

/** A command may ask somebody, so what only it has is not at hand. A passphrase that encrypted is. */
async function isAtHand(sources: KeySources, host: KeyHost, options: CallOptions): Promise<boolean> {
  if (sources.passphrase) return true;
  const quiet = { ...host, interactive: false };
  try {
    return (await collectIdentities({ ...sources, identityCommand: undefined }, quiet, options)).length > 0;
  } catch (error) {
    options.signal.throwIfAborted();
    // On a machine that only makes backups the file of the secret key may be a disk in a safe.
    if (error instanceof DbopsError) return false;
    throw error;
  }
}

function firstLine(text: string): string {
  return text.split(/\r?\n/)[0] ?? '';
}

// An empty variable counts as none.
function variable(name: string, { environment }: KeyHost): string | undefined {
  const value = Object.hasOwn(environment, name) ? environment[name] : undefined;
  return value === '' ? undefined : value;
}
