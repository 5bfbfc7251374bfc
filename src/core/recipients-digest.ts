import { createHash } from 'node:crypto';

/**
 * Tells whether something is encrypted for just these recipients, to whoever knows them: a random salt of 16 hexadecimal
 * digits, a dash, and the SHA-256 of the salt and the recipients in order, each on a line of its own. Others learn
 * nothing, not even which backups have the same ones.
 */
export function digestRecipients(recipients: readonly string[], random: Uint8Array): string {
  return digest(recipients, Buffer.from(random.subarray(0, 8)).toString('hex'));
}

export function isForRecipients(recipients: readonly string[], recorded: string | undefined): boolean {
  const [salt = ''] = recorded?.split('-') ?? [];
  return recorded !== undefined && digest(recipients, salt) === recorded;
}

function digest(recipients: readonly string[], salt: string): string {
  const text = [salt, ...[...new Set(recipients)].toSorted()].join('\n');
  return `${salt}-${createHash('sha256').update(text).digest('hex')}`;
}
