import { Readable } from 'node:stream';
import type { Codec, Codecs } from '../core/ports/codec.ts';
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

/** Fails as encrypting would, for want of recipients that are some. */
export async function tryEncoding(codecs: Codecs, options: CallOptions): Promise<void> {
  const stream = Readable.from([Buffer.alloc(0)], { objectMode: false });
  const encoded = await codecs.byId('age')?.encode({ type: 'stream', stream }, options);
  if (encoded !== undefined) await collect(encoded, 1 << 20, 'the rehearsal');
}
