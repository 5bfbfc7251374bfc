import { open } from 'node:fs/promises';
import { DbopsError, hasCode } from '../core/errors.ts';
import { storageError } from '../platform/file-error.ts';

export interface NewKey {
  readonly secret: string;
  readonly recipient: string;
}

/** The text of a file of a secret key, as age-keygen writes it. */
export function identityText({ secret, recipient }: NewKey, now: Date): string {
  const created = now.toISOString().replace(/\.\d+/, '');
  return `# created: ${created}\n# public key: ${recipient}\n${secret}\n`;
}

/**
 * Writes a new file that only this user may read, and makes it survive a power cut.
 * @throws DbopsError OBJECT_EXISTS: a key that is overwritten takes all of its backups with it.
 */
export async function writeIdentity(path: string, text: string): Promise<void> {
  try {
    await using file = await open(path, 'wx', 0o600);
    await file.writeFile(text);
    await file.sync();
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw storageError(error, `the key cannot be written to ${path}`);
    throw new DbopsError('REFUSED', `${path} exists`, {
      hint: 'Name a new file. Whoever overwrites a secret key loses every backup that was made for it.',
      cause: error,
    });
  }
}
