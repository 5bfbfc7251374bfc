import type { CodecWatch } from '../../core/ports/codec.ts';
import { findHeader, NONCE_BYTES, sealedBytes } from './format.ts';

/** Counts an encrypted file on its way: its length follows from that of its content. */
export function watchAge(): CodecWatch {
  let head = Buffer.alloc(0);
  let headerBytes: number | undefined;
  let wrong: string | undefined;
  let bytes = 0;
  return {
    update: (chunk) => {
      bytes += chunk.length;
      if (headerBytes !== undefined || wrong !== undefined) return;
      head = Buffer.concat([head, chunk]);
      const state = findHeader(head);
      if (state.type === 'wrong') wrong = state.reason;
      if (state.type === 'whole') headerBytes = state.bytes;
      if (state.type !== 'more') head = Buffer.alloc(0);
    },
    problem: (rawBytes) => {
      if (wrong !== undefined) return wrong;
      if (headerBytes === undefined) return 'it breaks off in the middle';
      const payload = bytes - headerBytes - NONCE_BYTES;
      if (payload < sealedBytes(0)) return 'it breaks off in the middle';
      return rawBytes === undefined || payload === sealedBytes(rawBytes)
        ? undefined
        : `it does not hold ${rawBytes} bytes`;
    },
  };
}
