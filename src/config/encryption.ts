import { resolve } from 'node:path';
import type { Encryption } from '../core/encryption.ts';
import type { ConfigFile, EncryptionConfig } from './schema.ts';

/**
 * How the backups of a target are encrypted, and by what they are read. A target that says for whom it encrypts replaces
 * all that is said of that generally; one that does not encrypt can still read what it has encrypted before.
 */
export function encryptionOf(config: ConfigFile, target: string | undefined, folder: string): Encryption {
  const { encryption: general = {}, targets = {} } = config;
  const own = targets[configuredName(Object.keys(targets), target) ?? '']?.encryption;
  const { recipients = [], recipientFiles = [], passphrase, ...others } = join(general, own);
  const paths = (files: readonly string[]): readonly string[] => files.map((file) => resolve(folder, file));
  return {
    declined: own === false,
    facts: others.facts ?? 'sealed',
    sources: {
      recipients,
      recipientFiles: paths(recipientFiles),
      passphrase: passphrase === true,
      identities: paths(others.identities ?? []),
      identityCommand: others.identityCommand,
      passphraseCommand: others.passphraseCommand,
    },
  };
}

/** A database of a server that is backed up as a whole has that target's name before its own. */
function configuredName(names: readonly string[], target: string | undefined): string | undefined {
  return names.find((name) => name === target) ?? names.find((name) => target?.startsWith(`${name}.`) === true);
}

function join(general: EncryptionConfig, own: EncryptionConfig | false | undefined): EncryptionConfig {
  if (own === undefined) return general;
  if (own === false) return readingOf(general);
  const saysForWhom = [own.recipients, own.recipientFiles, own.passphrase].some((key) => key !== undefined);
  return { ...(saysForWhom ? readingOf(general) : general), ...own };
}

/** What is said of reading alone. */
function readingOf(encryption: EncryptionConfig): EncryptionConfig {
  return { ...encryption, recipients: undefined, recipientFiles: undefined, passphrase: undefined };
}

/** Who says how, and not for whom, believes that backups are encrypted. */
function aimless(config: ConfigFile): string[] {
  const { encryption: general, targets = {} } = config;
  const own = Object.entries(targets).map(
    ([name, target]) => [`targets.${name}.encryption`, target.encryption] as const,
  );
  const places = own.length === 0 ? [['encryption', undefined] as const] : own;
  const found = places.filter(([, said]) => {
    if (said === false) return false;
    const { facts, passphraseCommand, recipients, recipientFiles, passphrase } = join(general ?? {}, said);
    const isAimed = recipients !== undefined || recipientFiles !== undefined || passphrase === true;
    return !isAimed && (facts !== undefined || passphraseCommand !== undefined);
  });
  const names = found.map(([place, said]) => (said === undefined ? 'encryption' : place));
  return [...new Set(names)].map(
    (place) => `${place}: nothing is encrypted without recipients, recipientFiles or passphrase: true`,
  );
}

/** What no single value of a configuration shows. */
export function encryptionProblems(config: ConfigFile): string[] {
  const places = [
    ['encryption', config.encryption] as const,
    ...Object.entries(config.targets ?? {}).map(
      ([name, { encryption }]) => [`targets.${name}.encryption`, encryption] as const,
    ),
  ];
  const single = places.flatMap(([place, encryption]) => {
    if (encryption === undefined || encryption === false) return [];
    const { passphrase, recipients, recipientFiles, passphraseCommand } = encryption;
    const hasRecipients = recipients !== undefined || recipientFiles !== undefined;
    const secret = (recipients ?? []).some((recipient) => recipient.startsWith('AGE-'));
    return [
      ...(passphrase === true && hasRecipients
        ? [
            `${place}: passphrase and recipients exclude each other, because age allows no other key beside a passphrase`,
          ]
        : []),
      ...(secret ? [`${place}.recipients: there is a secret key among them; write the public one: age1…`] : []),
      ...(passphraseCommand !== undefined && hasRecipients
        ? [`${place}: passphraseCommand has no effect with recipients`]
        : []),
    ];
  });
  return [...single, ...aimless(config)];
}
