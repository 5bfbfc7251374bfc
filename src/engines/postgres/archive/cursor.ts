import { DbopsError } from '../../../core/errors.ts';

/** Thrown by a cursor that needs bytes beyond those it has. Never leaves this folder. */
export class Incomplete extends Error {
  /** So many bytes from the cursor's start would get it past the place where it stopped. */
  readonly wanted: number;

  constructor(wanted: number) {
    super('the archive breaks off in the middle');
    this.wanted = wanted;
  }
}

/** Reads the primitives of an archive's header and table of contents: bytes, signed integers and texts. */
export class Cursor {
  at = 0;
  readonly #bytes: Buffer;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get length(): number {
    return this.#bytes.length;
  }

  /** What has not been read. Shares memory with what the cursor was given. */
  rest(): Buffer {
    return this.#bytes.subarray(this.at);
  }

  take(count: number): Buffer {
    const at = this.#advance(count);
    return this.#bytes.subarray(at, at + count);
  }

  byte(): number {
    return this.#bytes.readUInt8(this.#advance(1));
  }

  /** A byte for the sign, then the magnitude, least significant byte first. */
  integer(intBytes: number): number {
    const at = this.#advance(1 + intBytes);
    return readInteger(this.#bytes, intBytes, at);
  }

  /** A length and so many bytes; undefined where the length is negative, which stands for NULL. */
  text(intBytes: number, limit: number): Buffer | undefined {
    const length = this.integer(intBytes);
    if (length > limit) throw damaged(`a text of ${length} bytes is more than an archive can hold`);
    return length < 0 ? undefined : this.take(length);
  }

  /** Gives where the bytes begin that it steps over. */
  #advance(count: number): number {
    const at = this.at;
    if (at + count > this.#bytes.length) throw new Incomplete(at + count);
    this.at += count;
    return at;
  }
}

/** Beyond 2^53 a magnitude is not exact; every caller refuses it as absurd long before. */
export function readInteger(bytes: Buffer, intBytes: number, at = 0): number {
  const low = bytes.readUInt32LE(at + 1);
  const magnitude = intBytes === 8 ? bytes.readUInt32LE(at + 5) * 2 ** 32 + low : low;
  return bytes[at] === 0 ? magnitude : -magnitude;
}

export function damaged(message: string): DbopsError {
  return new DbopsError('DAMAGED', message, {
    hint: 'Do not trust this archive; use another backup, or make the dump again.',
  });
}
