import type { CallOptions } from './storage.ts';

/** For whom something is encrypted: public keys, or whoever knows a passphrase. */
export type EncodingKeys =
  | {
      readonly type: 'recipients';
      /** `age1…`, `ssh-ed25519 …`: public. */
      readonly recipients: readonly string[];
    }
  | { readonly type: 'passphrase'; readonly passphrase: string };

/** Secret keys from one place. */
export interface Identity {
  /** The place, in words; holds no secret. */
  readonly label: string;
  /** `AGE-SECRET-KEY-…`; never shown, and given to no program. */
  readonly secrets: readonly string[];
  /** A file that the user named, whose keys only the age program can use: of ssh, of a plugin. */
  readonly file: string | undefined;
}

/**
 * The keys of one run. Secrets are looked for when they are first needed, and once: a command runs once, a person is
 * asked once.
 */
export interface Keyring {
  /** @throws DbopsError KEY_MISSING, KEY_REFUSED or CONFIG_INVALID */
  encoding(options: CallOptions): Promise<EncodingKeys>;
  /** None where nobody named any. */
  identities(options: CallOptions): Promise<readonly Identity[]>;
  /** Undefined where there is none, and nobody to ask. */
  passphrase(options: CallOptions): Promise<string | undefined>;
  /** Whether what `encoding` encrypts can be read again without a command and without asking anybody. */
  atHand(options: CallOptions): Promise<boolean>;
}
