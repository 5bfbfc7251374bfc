import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { EncodingKeys, Identity, Keyring } from '../../src/core/ports/keys.ts';
import { temporaryFolder } from './temporary-folder.ts';

export interface AgeKey {
  /** As age-keygen writes it, 0600. */
  readonly file: string;
  readonly secret: string;
  readonly recipient: string;
}

/** A key that everybody knows. Its file is readable by everybody too. */
export const publicKey = await readKey(fileURLToPath(new URL('../../fixtures/keys/age.txt', import.meta.url)));

/** A new key, made by age-keygen. */
export async function ageKey(): Promise<AgeKey> {
  const file = join(await temporaryFolder(), 'key.txt');
  await promisify(execFile)('age-keygen', ['-o', file]);
  return readKey(file);
}

async function readKey(file: string): Promise<AgeKey> {
  const text = await readFile(file, 'utf8');
  const [secret = ''] = /^AGE-SECRET-KEY-1\w+$/m.exec(text) ?? [];
  const [recipient = ''] = /age1\w+/.exec(text) ?? [];
  return { file, secret, recipient };
}

/** A new key of ssh, without a passphrase. */
export async function sshKey(): Promise<Pick<AgeKey, 'file' | 'recipient'>> {
  const file = join(await temporaryFolder(), 'id_ed25519');
  await promisify(execFile)('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', file]);
  return { file, recipient: (await readFile(`${file}.pub`, 'utf8')).trim() };
}

export interface KeyringOf {
  readonly encoding?: EncodingKeys;
  readonly identities?: readonly Identity[];
  readonly passphrase?: string;
}

/** A keyring that holds what it was made with. */
export function keyringOf({ encoding, identities = [], passphrase }: KeyringOf): Keyring {
  return {
    encoding: () => (encoding === undefined ? Promise.reject(new Error('no recipients')) : Promise.resolve(encoding)),
    identities: () => Promise.resolve(identities),
    passphrase: () => Promise.resolve(passphrase),
    atHand: () => Promise.resolve(identities.length > 0 || passphrase !== undefined),
  };
}

export function identityOf({ file, secret }: Pick<AgeKey, 'file' | 'secret'>): Identity {
  return { label: file, secrets: [secret], file: undefined };
}

/** For one key, and to be opened by it. */
export function keyringFor(key: AgeKey): Keyring {
  return keyringOf({ encoding: { type: 'recipients', recipients: [key.recipient] }, identities: [identityOf(key)] });
}
