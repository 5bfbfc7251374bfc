import { DbopsError } from '../core/errors.ts';
import type { CallOptions } from '../core/ports/storage.ts';
import { findTool } from '../platform/child.ts';
import { describeEnd, startProgram } from '../platform/program.ts';

const mostBytes = 64 * 1024;

/**
 * What a program prints that hands out a secret. Neither its output nor what it says is ever shown: either may hold
 * the secret. It has no terminal to ask at.
 * @throws DbopsError KEY_MISSING
 */
export async function outputOfCommand(
  [word = '', ...args]: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
  { signal }: CallOptions,
): Promise<string> {
  const file = word.includes('/') ? word : (findTool(word, environment['PATH']) ?? word);
  await using running = startProgram({ file, args, env: withoutKeys(environment), signal });
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of (running.child.stdout ?? []) as AsyncIterable<Buffer>) {
    bytes += piece.length;
    if (bytes > mostBytes) break;
    pieces.push(piece);
  }
  const end = await running.ended;
  signal.throwIfAborted();
  if (end.code === 0 && bytes <= mostBytes) return Buffer.concat(pieces).toString('utf8');
  const how = bytes > mostBytes ? 'prints more than any key is long' : describeEnd({ ...end, stderr: '' });
  throw new DbopsError('KEY_MISSING', `the command ${word} that hands out a key ${how}`, {
    hint: 'Run it by hand. It has no terminal here: what it needs must be unlocked before.',
  });
}

/** No program that we start needs the keys of backups. */
export function withoutKeys(
  environment: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string | undefined>> {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith('DBOPS_AGE_')));
}
