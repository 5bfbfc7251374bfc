import { readFile } from 'node:fs/promises';
import { DbopsError, messageOf } from '../core/errors.ts';

/**
 * A file with a recipient a line; empty lines and those that begin with `#` are left out.
 * @throws DbopsError CONFIG_INVALID
 */
export async function readRecipients(path: string): Promise<readonly string[]> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw new DbopsError('CONFIG_INVALID', `the recipients in ${path} cannot be read: ${messageOf(error)}`, {
      hint: 'Check the path. Nothing was backed up: it would not have been encrypted for them.',
      cause: error,
    });
  }
  // A key of ssh may have a comment of its own; behind one of age it begins with a sign.
  const lines = text.split('\n').map((line) => line.replace(/\s#.*$/, '').trim());
  const recipients = lines.filter((line) => line !== '' && !line.startsWith('#'));
  // A secret key in the wrong file must not be shown, nor become an argument.
  if (recipients.some((line) => /secret|private/i.test(line))) throw isSecret(path);
  if (recipients.length > 0) return recipients;
  throw new DbopsError('CONFIG_INVALID', `${path} names no recipient`, {
    hint: 'Write a public key a line: age1…, as `age-keygen -y` prints it.',
  });
}

function isSecret(path: string): DbopsError {
  return new DbopsError('CONFIG_INVALID', `${path} holds a secret key where public ones are expected`, {
    hint: 'Write only the public key there (`age-keygen -y`), and keep the secret one elsewhere.',
  });
}
