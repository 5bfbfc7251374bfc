import { Readable } from 'node:stream';
import type { Codec } from '../core/ports/codec.ts';
import type { CallOptions } from '../core/ports/storage.ts';
import { collect } from '../streams/collect.ts';

/**
 * Finds out whether what a codec encrypts can be read again by the keys at hand, with a few bytes.
 * @throws DbopsError KEY_MISSING, KEY_REFUSED
 */
export async function rehearse(cipher: Codec, options: CallOptions): Promise<void> {
  const stream = Readable.from([Buffer.from('rehearsal')], { objectMode: false });
  const decoded = await cipher.decode(await cipher.encode({ type: 'stream', stream }, options), options);
  await collect(decoded, 1_000, 'the rehearsal');
}
