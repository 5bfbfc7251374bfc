import { createHash } from 'node:crypto';

/** What a cache has to know to tell whether it holds an object as it is. */
export interface CachedObject {
  readonly key: string;
  readonly revision: string;
  readonly content: Buffer;
}

const digestLength = 64;

/** The digest of all that follows, a line with key and revision, and the content. */
export function encodeEntry({ key, revision, content }: CachedObject): Buffer {
  const rest = Buffer.concat([Buffer.from(`${JSON.stringify([key, revision])}\n`), content]);
  return Buffer.concat([Buffer.from(`${digestOf(rest)}\n`), rest]);
}

/** The content, or undefined when the entry is of another object or revision, or is not what was written. */
export function decodeEntry(entry: Buffer, key: string, revision: string): Buffer | undefined {
  const rest = entry.subarray(digestLength + 1);
  if (entry.subarray(0, digestLength + 1).toString('latin1') !== `${digestOf(rest)}\n`) return undefined;
  const head = Buffer.from(`${JSON.stringify([key, revision])}\n`);
  return rest.subarray(0, head.length).equals(head) ? rest.subarray(head.length) : undefined;
}

function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
