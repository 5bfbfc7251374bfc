import type { CodecWatch } from '../core/ports/codec.ts';

/** Holds on to the last four bytes of a gzip member: the size of its content, modulo 2^32 (RFC 1952, section 2.3.1). */
export function watchGzip(): CodecWatch {
  let tail = Buffer.alloc(0);
  let bytes = 0;
  return {
    update: (chunk) => {
      bytes += chunk.length;
      tail = Buffer.concat([tail, chunk.subarray(-4)]).subarray(-4);
    },
    problem: (rawBytes) => {
      // Ten bytes of header and eight of trailer enclose even nothing.
      if (bytes < 18) return 'it breaks off in the middle';
      const held = tail.readUInt32LE(0);
      return rawBytes === undefined || held === rawBytes % 2 ** 32 ? undefined : `it does not hold ${rawBytes} bytes`;
    },
  };
}
