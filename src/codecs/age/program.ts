import type { Readable } from 'node:stream';
import type { ByteSource } from '../../core/ports/codec.ts';
import type { EncodingKeys } from '../../core/ports/keys.ts';
import { filterThrough } from '../../platform/child.ts';
import { isNativeProgram } from '../../platform/native-program.ts';

export interface AgeProgram {
  readonly file: string;
  /** Where it looks for plugins. */
  readonly path: string | undefined;
}

/** Who can encrypt for a recipient: both, or only one of the two. */
type Maker = 'any' | 'library' | 'program';

/** Who can encrypt for these keys; undefined when nobody can do it for all of them. */
export function makerFor(keys: EncodingKeys): Maker | undefined {
  // The program asks the terminal for a passphrase, and nothing else.
  if (keys.type === 'passphrase') return 'library';
  const makers = new Set(keys.recipients.map(makerOf));
  if (makers.has('library') && makers.has('program')) return undefined;
  return makers.has('library') ? 'library' : makers.has('program') ? 'program' : 'any';
}

function makerOf(recipient: string): Maker {
  if (/^age1(pq|tag|tagpq)1/.test(recipient)) return 'library';
  // A letter or digit that keys never hold ends the name of a plugin.
  return recipient.startsWith('age1') && !/^age1[a-z0-9+._-]+1/.test(recipient) ? 'any' : 'program';
}

/** Recipients are public: they may stand in a list of arguments. */
export async function encryptByProgram(
  { file, path }: AgeProgram,
  recipients: readonly string[],
  source: ByteSource,
  signal: AbortSignal,
): Promise<Readable> {
  const args = recipients.flatMap((recipient) => ['-r', recipient]);
  return filterThrough(file, args, source, signal, { PATH: path });
}

/** With keys out of files that the user named: what is secret stays there. */
export async function decryptByProgram(
  { file, path }: AgeProgram,
  files: readonly string[],
  stream: Readable,
  signal: AbortSignal,
): Promise<Readable> {
  const args = ['-d', ...files.flatMap((file) => ['-i', file])];
  return filterThrough(file, args, { type: 'stream', stream }, signal, { PATH: path });
}

/** A wrapper script may lose the end of what it writes. */
export async function canUse(program: AgeProgram | undefined): Promise<boolean> {
  return program !== undefined && (await isNativeProgram(program.file));
}
