import type { CodecWatch } from '../core/ports/codec.ts';

const magic = 0xfd2f_b528;
const dictionaryBytes = [0, 1, 2, 4] as const;

/**
 * Follows Zstandard frames by their block headers, without decoding them: whether the last one has come to its end, and
 * how much content they say they hold. Source of the format: RFC 8878, sections 3.1.1 and 3.1.1.2.
 */
export function watchZstd(): CodecWatch {
  let pending = Buffer.alloc(0);
  let wanted = 5;
  let skipped = 0;
  let step: (bytes: Buffer) => void = readStart;
  let fault: string | undefined;
  let ended = false;
  let checksum = false;
  let contentBytes: number | undefined = 0;

  function expect(bytes: number, next: (bytes: Buffer) => void): void {
    wanted = bytes;
    step = next;
  }

  function readStart(bytes: Buffer): void {
    if (bytes.readUInt32LE(0) !== magic) return fail('it is no zstd frame');
    const descriptor = bytes.readUInt8(4);
    const single = (descriptor & 0x20) !== 0;
    checksum = (descriptor & 0x04) !== 0;
    const sizeBytes = descriptor >> 6 === 0 ? Number(single) : 1 << (descriptor >> 6);
    const before = (single ? 0 : 1) + (dictionaryBytes[descriptor & 3] ?? 0);
    return expect(before + sizeBytes, (rest) => {
      const size = readSize(rest.subarray(before));
      contentBytes = size === undefined || contentBytes === undefined ? undefined : contentBytes + size;
      expect(3, readBlock);
    });
  }

  function readBlock(bytes: Buffer): void {
    const header = bytes.readUIntLE(0, 3);
    const type = (header >> 1) & 3;
    if (type === 3) return fail('it has an impossible block');
    // A repeated byte stands for all of its block.
    skipped = type === 1 ? 1 : header >> 3;
    if ((header & 1) === 0) return expect(3, readBlock);
    return expect(checksum ? 4 : 0, () => {
      ended = true;
      // A writer may divide its work into several frames; a reader takes them for one content.
      expect(5, readStart);
    });
  }

  function fail(reason: string): void {
    fault ??= reason;
  }

  return {
    update: (chunk) => {
      for (let at = 0; at < chunk.length && fault === undefined;) {
        ended = false;
        const take = Math.min(chunk.length - at, skipped > 0 ? skipped : wanted - pending.length);
        if (skipped > 0) skipped -= take;
        else pending = Buffer.concat([pending, chunk.subarray(at, at + take)]);
        at += take;
        while (fault === undefined && skipped === 0 && pending.length === wanted) {
          const bytes = pending;
          pending = Buffer.alloc(0);
          step(bytes);
        }
      }
    },
    problem: (rawBytes) => {
      if (fault !== undefined) return fault;
      if (!ended) return 'it breaks off in the middle';
      if (contentBytes === undefined || contentBytes === rawBytes) return undefined;
      return `it holds ${contentBytes} of ${rawBytes} bytes`;
    },
  };
}

/** The frame content size field; undefined where the frame does not say. */
function readSize(field: Buffer): number | undefined {
  if (field.length === 0) return undefined;
  // With two bytes, the field counts from 256.
  if (field.length === 2) return field.readUInt16LE(0) + 256;
  return field.length === 8 ? Number(field.readBigUInt64LE(0)) : field.readUIntLE(0, field.length);
}
