import { DbopsError, messageOf } from '../../core/errors.ts';
import type { EncodingKeys, Identity } from '../../core/ports/keys.ts';
import { NONCE_BYTES } from './format.ts';
import { passphraseIdentity, passphraseRecipient } from './passphrase.ts';
import { payloadKey } from './payload.ts';

export interface NewHeader {
  /** Everything before the first block. */
  readonly bytes: Buffer;
  readonly key: Buffer;
}

/**
 * Makes the header of a new file for these keys.
 * @throws DbopsError CONFIG_INVALID for a recipient that is none
 */
export async function makeHeader(keys: EncodingKeys): Promise<NewHeader> {
  const { Encrypter, Stanza } = await loadLibrary();
  const encrypter = new Encrypter();
  if (keys.type === 'passphrase') {
    encrypter.addRecipient(passphraseRecipient(keys.passphrase, (args, body) => new Stanza(args, body)));
  } else {
    for (const recipient of keys.recipients) add(encrypter, recipient);
  }
  let fileKey: Uint8Array = Buffer.alloc(0);
  encrypter.addRecipient({
    wrapFileKey: (key) => {
      fileKey = key;
      // Nobody is added: the library alone encrypts its blocks in JavaScript, and we need the key for ours.
      return [];
    },
  });
  const empty = Buffer.from(await encrypter.encrypt(Buffer.alloc(0)));
  const bytes = empty.subarray(0, empty.indexOf('\n', empty.indexOf('\n--- ') + 1) + 1 + NONCE_BYTES);
  return { bytes, key: payloadKey(fileKey, bytes.subarray(-NONCE_BYTES)) };
}

/** Refuses what is no recipient, before anything is encrypted for it. */
function add(encrypter: { addRecipient(recipient: string): void }, recipient: string): void {
  try {
    encrypter.addRecipient(recipient);
  } catch (error) {
    throw new DbopsError('CONFIG_INVALID', `${JSON.stringify(recipient)} is no recipient: ${messageOf(error)}`, {
      hint: 'Write a public key as `age-keygen` or `dbops key generate` prints it: age1…',
      cause: error,
    });
  }
}

/**
 * The file key out of a header; undefined when none of the keys is the right one.
 * @throws DbopsError DAMAGED when one is, and the header is not what it was.
 */
export async function openHeader(
  header: Buffer,
  identities: readonly Identity[],
  passphrase: string | undefined,
): Promise<Uint8Array | undefined> {
  const { Decrypter } = await loadLibrary();
  const decrypter = new Decrypter();
  for (const { label, secrets } of identities) {
    for (const secret of secrets) addSecret(decrypter, secret, label);
  }
  if (passphrase !== undefined) decrypter.addIdentity(passphraseIdentity(passphrase));
  try {
    return await decrypter.decryptHeader(header);
  } catch (error) {
    if (error instanceof DbopsError) throw error;
    if (messageOf(error).startsWith('no identity matched')) return undefined;
    throw new DbopsError('DAMAGED', `the encrypted file is damaged: its header was changed (${messageOf(error)})`, {
      hint: 'Use another copy of this file, or another backup: see `dbops list`.',
      cause: error,
    });
  }
}

function addSecret(decrypter: { addIdentity(secret: string): void }, secret: string, label: string): void {
  try {
    decrypter.addIdentity(secret);
  } catch {
    // What the library says may hold a piece of the secret.
    throw new DbopsError('CONFIG_INVALID', `${label} holds a secret key that is not whole`, {
      hint: 'Copy it again: a line of AGE-SECRET-KEY-1 and 58 letters and digits.',
    });
  }
}

/** The public key that belongs to a secret one; undefined for what is none. */
export async function recipientOf(secret: string): Promise<string | undefined> {
  const { identityToRecipient } = await loadLibrary();
  return identityToRecipient(secret).catch(() => undefined);
}

/** A new secret key. */
export async function generateSecret(): Promise<string> {
  const { generateX25519Identity } = await loadLibrary();
  return generateX25519Identity();
}

// Loaded by the runs that encrypt: every other one starts sooner.
const loadLibrary = async () => import('age-encryption');
