import type { Readable } from 'node:stream';
import { DbopsError } from '../core/errors.ts';

/**
 * Reads a small object into memory.
 * @throws DbopsError DAMAGED when it is larger than `limit` bytes: what is meant to be small and is not, is hostile.
 */
export async function collect(source: Readable, limit: number, name: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of source as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > limit) {
      throw new DbopsError('DAMAGED', `${name} is larger than ${limit} bytes`, {
        hint: 'dbops never writes a file of that kind so large; do not trust this backup.',
      });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
