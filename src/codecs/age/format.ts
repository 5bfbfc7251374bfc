/** First line of every file. Source of the format: https://c2sp.org/age, version 1. */
export const MAGIC = 'age-encryption.org/v1';
/** First line of a file in letters instead of bytes. */
export const ARMOR_BEGIN = '-----BEGIN AGE ENCRYPTED FILE-----';
export const ARMOR_END = '-----END AGE ENCRYPTED FILE-----';

/** Plain bytes in every block but the last one. */
export const BLOCK_BYTES = 64 * 1024;
/** What encryption adds to a block. */
export const TAG_BYTES = 16;
/** Random bytes between the header and the first block. */
export const NONCE_BYTES = 16;

// Each recipient takes a few hundred bytes, with keys that resist quantum computers two thousand.
const longestHeader = 1 << 20;

/** How a header of a file reads so far. */
export type HeaderState =
  | { readonly type: 'more' }
  | { readonly type: 'wrong'; readonly reason: string }
  | { readonly type: 'whole'; readonly bytes: number };

/** Looks for the end of the header: a line of `--- ` and a checksum. */
export function findHeader(bytes: Buffer): HeaderState {
  const start = `${MAGIC}\n`;
  const head = bytes.subarray(0, start.length).toString('latin1');
  if (!start.startsWith(head)) return { type: 'wrong', reason: 'it is no age file' };
  const mark = bytes.indexOf('\n--- ');
  const end = mark < 0 ? -1 : bytes.indexOf('\n', mark + 1);
  if (end >= 0) return { type: 'whole', bytes: end + 1 };
  return bytes.length > longestHeader ? { type: 'wrong', reason: 'its header has no end' } : { type: 'more' };
}

/** The types of the recipients in a header: `X25519`, `scrypt`, `ssh-ed25519` … */
export function recipientTypes(header: Buffer): readonly string[] {
  const lines = header.toString('latin1').split('\n');
  return lines.flatMap((line) => /^-> ([\x21-\x7e]+)/.exec(line)?.[1] ?? []);
}

/** The length of the blocks that hold so many plain bytes; nothing makes one empty block. */
export function sealedBytes(plainBytes: number): number {
  return plainBytes + TAG_BYTES * Math.max(1, Math.ceil(plainBytes / BLOCK_BYTES));
}
