/** Where keys come from: names and places, no secrets. */
export interface KeySources {
  /** `age1…`, `ssh-ed25519 …` */
  readonly recipients: readonly string[];
  /** Absolute paths of files with a recipient a line. */
  readonly recipientFiles: readonly string[];
  /** True to encrypt with a passphrase instead of recipients. */
  readonly passphrase: boolean;
  /** Absolute paths of files with secret keys. */
  readonly identities: readonly string[];
  /** A program and its arguments that prints secret keys. */
  readonly identityCommand: readonly string[] | undefined;
  /** A program and its arguments that prints a passphrase. */
  readonly passphraseCommand: readonly string[] | undefined;
}

/** Whether an encrypted backup shows its facts. */
export type FactsShown = 'sealed' | 'open';

export interface Encryption {
  /** True where somebody said that this target is not encrypted. */
  readonly declined: boolean;
  readonly sources: KeySources;
  readonly facts: FactsShown;
}

/** Whether new backups are encrypted; without recipients and passphrase the keys are for reading alone. */
export function encrypts({ recipients, recipientFiles, passphrase }: KeySources): boolean {
  return passphrase || recipients.length > 0 || recipientFiles.length > 0;
}
