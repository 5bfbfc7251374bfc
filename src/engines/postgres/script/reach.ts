import { DbopsError } from '../../../core/errors.ts';
import { tokensOf } from '../../../core/sql/tokens.ts';

// Enough for the first words, also with a comment between them.
const HEAD_BYTES = 4096;

const verbs = /^(?:create|drop|alter|reassign)\b/i;
const serverObjects = new Set(['role', 'user', 'group', 'tablespace']);

/** What a script into one database is told that was made for several, or for one of its own name. */
export const madeForOthers =
  'A script made with --create or by pg_dumpall goes into the databases that it names, not into the one of --into. Make it without --create, or run it by hand with psql if that is what you want.';

/**
 * Fails with REFUSED for a statement whose effect is not in the database that the script is restored into: the side
 * database protects nothing else. Where `serverObjects` are allowed, roles and tablespaces may be made and altered.
 */
export function judgeReach(head: Buffer, line: number, allowServerObjects: boolean): void {
  if (!verbs.test(head.toString('latin1', 0, 10))) return;
  const [verb, object, third] = tokensOf(head.subarray(0, HEAD_BYTES), 3).map(({ type, text }) =>
    type === 'word' ? text : '',
  );
  if (verb === undefined || object === undefined) return;
  const isMapping = object === 'user' && third === 'mapping';
  const isServerObject = serverObjects.has(object) && !isMapping;
  const reaches = object === 'database' || object === 'system' || object === 'owned' || verb === 'reassign';
  if (!reaches && (!isServerObject || (allowServerObjects && verb !== 'drop'))) return;
  throw new DbopsError(
    'REFUSED',
    `line ${line}: ${verb.toUpperCase()} ${object.toUpperCase()} reaches beyond the database that is restored`,
    { hint: madeForOthers },
  );
}
