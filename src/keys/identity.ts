import { DbopsError } from '../core/errors.ts';
import type { Identity } from '../core/ports/keys.ts';
import { readSecretFile } from './secret-file.ts';

/**
 * Reads a file of secret keys as age-keygen writes it, or one of ssh or of a plugin, which only the age program can use.
 * @throws DbopsError KEY_MISSING, KEY_REFUSED
 */
export async function readIdentity(path: string): Promise<Identity> {
  const text = await readSecretFile(path);
  const isForProgram = /^-----BEGIN (OPENSSH |RSA )?PRIVATE KEY-----$/m.test(text) || /^AGE-PLUGIN-/m.test(text);
  return isForProgram ? { label: path, secrets: secretsIn(text), file: path } : parseIdentity(text, path);
}

/** @throws DbopsError KEY_REFUSED when there is no secret key in the text */
export function parseIdentity(text: string, label: string): Identity {
  const secrets = secretsIn(text);
  if (secrets.length > 0) return { label, secrets, file: undefined };
  throw new DbopsError('KEY_REFUSED', `${label} holds no secret key of age`, {
    hint: text.includes('age-encryption.org/v1')
      ? 'It is encrypted itself. Let encryption.identityCommand decrypt it, or decrypt it by hand.'
      : 'A secret key is a line that begins with AGE-SECRET-KEY-1; `dbops key generate` makes one.',
  });
}

function secretsIn(text: string): readonly string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => /^AGE-SECRET-KEY-(PQ-)?1[0-9A-Z]+$/.test(line));
}
