import type { CodecWatch } from '../core/ports/codec.ts';

const magic = 0xfd2f_b528;
const dictionaryBytes = [0, 1, 2, 4] as const;

/** What stands next in a stream: so many bytes of no interest, then so many that decide what follows. */
interface Field {
  readonly skip: number;
  readonly wanted: number;
  /** True where a stream may end. */
  readonly boundary: boolean;
  /** Gives the field after this one, or what is wrong. */
  readonly read: (bytes: Buffer) => Field | string;
}

/** What the frames so far say they hold; undefined once one of them does not say. */
interface Content {
  bytes: number | undefined;
}

/**
 * Follows Zstandard frames by their block headers, without decoding them: whether the last one has come to its end, and
 * how much content they say they hold. Source of the format: RFC 8878, sections 3.1.1 and 3.1.1.2.
 */
export function watchZstd(): CodecWatch {
  const content: Content = { bytes: 0 };
  let field: Field | string = { ...frameStart(content), boundary: false };
  let skipped = 0;
  let pending = Buffer.alloc(0);
  return {
    update: (chunk) => {
      for (let at = 0; at < chunk.length && typeof field !== 'string';) {
        const skip = Math.min(field.skip - skipped, chunk.length - at);
        skipped += skip;
        at += skip;
        const take = Math.min(field.wanted - pending.length, chunk.length - at);
        pending = Buffer.concat([pending, chunk.subarray(at, at + take)]);
        at += take;
        while (typeof field !== 'string' && skipped === field.skip && pending.length === field.wanted) {
          field = field.read(pending);
          pending = Buffer.alloc(0);
          skipped = 0;
        }
      }
    },
    problem: (rawBytes) => {
      if (typeof field === 'string') return field;
      if (!field.boundary || pending.length > 0) return 'it breaks off in the middle';
      if (content.bytes === undefined || rawBytes === undefined || content.bytes === rawBytes) return undefined;
      return `it holds ${content.bytes} of ${rawBytes} bytes`;
    },
  };
}

/** A writer may divide its work into several frames; a reader takes them for one content. */
function frameStart(content: Content): Field {
  return { skip: 0, wanted: 5, boundary: true, read: (bytes) => readStart(bytes, content) };
}

function readStart(bytes: Buffer, content: Content): Field | string {
  if (bytes.readUInt32LE(0) !== magic) return 'it is no zstd frame';
  const descriptor = bytes.readUInt8(4);
  const single = (descriptor & 0x20) !== 0;
  const sizeBytes = descriptor >> 6 === 0 ? Number(single) : 1 << (descriptor >> 6);
  const before = (single ? 0 : 1) + (dictionaryBytes[descriptor & 3] ?? 0);
  const checksumBytes = (descriptor & 0x04) === 0 ? 0 : 4;
  const readHeader = (rest: Buffer): Field => {
    const size = readSize(rest.subarray(before));
    content.bytes = size === undefined || content.bytes === undefined ? undefined : content.bytes + size;
    return block(0, checksumBytes, content);
  };
  return { skip: 0, wanted: before + sizeBytes, boundary: false, read: readHeader };
}

/** The frame content size; undefined where the frame does not say. A field of two bytes counts from 256. */
function readSize(field: Buffer): number | undefined {
  if (field.length === 0) return undefined;
  if (field.length === 2) return field.readUInt16LE(0) + 256;
  return field.length === 8 ? Number(field.readBigUInt64LE(0)) : field.readUIntLE(0, field.length);
}

function block(skip: number, checksumBytes: number, content: Content): Field {
  return { skip, wanted: 3, boundary: false, read: (bytes) => readBlock(bytes, checksumBytes, content) };
}

function readBlock(bytes: Buffer, checksumBytes: number, content: Content): Field | string {
  const header = bytes.readUIntLE(0, 3);
  const type = (header >> 1) & 3;
  if (type === 3) return 'it has an impossible block';
  // A repeated byte stands for all of its block.
  const size = type === 1 ? 1 : header >> 3;
  if ((header & 1) === 0) return block(size, checksumBytes, content);
  return { skip: size, wanted: checksumBytes, boundary: false, read: () => frameStart(content) };
}
