import type { Readable } from 'node:stream';
import { printable } from './entry-name.ts';
import type { MemberWatch } from './members.ts';

const blockBytes = 512;

/**
 * Walks over the members of a tar archive as pg_dump writes it: plain files in POSIX ustar headers, sizes from 8 GiB on
 * in base 256, and two empty blocks at the end. `onMember` gives who looks at a member's bytes; its `problem` is asked
 * for once, when the member has ended. Gives what is wrong with the archive itself. Rejects when the stream fails.
 */
export async function walkTar(stream: Readable, onMember: (name: string) => MemberWatch): Promise<string | undefined> {
  const walk = new TarWalk(onMember);
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    walk.update(chunk);
    if (walk.wrong !== undefined) break;
  }
  return walk.problem();
}

class TarWalk {
  wrong: string | undefined;
  readonly #onMember: (name: string) => MemberWatch;
  readonly #header = Buffer.alloc(blockBytes);
  #held = 0;
  #emptyBlocks = 0;
  #member: MemberWatch | undefined;
  #body = 0;
  #padding = 0;

  constructor(onMember: (name: string) => MemberWatch) {
    this.#onMember = onMember;
  }

  update(chunk: Buffer): void {
    for (let at = 0; at < chunk.length && this.wrong === undefined;) {
      at += this.#member === undefined ? this.#readHeader(chunk.subarray(at)) : this.#readBody(chunk.subarray(at));
    }
  }

  problem(): string | undefined {
    if (this.wrong !== undefined) return this.wrong;
    if (this.#member !== undefined || this.#held > 0) return 'it breaks off in the middle';
    return this.#emptyBlocks < 2 ? 'it breaks off before its end' : undefined;
  }

  #readHeader(bytes: Buffer): number {
    const taken = bytes.copy(this.#header, this.#held, 0, blockBytes - this.#held);
    this.#held += taken;
    if (this.#held < blockBytes) return taken;
    this.#held = 0;
    if (this.#header.every((byte) => byte === 0)) this.#emptyBlocks += 1;
    else if (this.#emptyBlocks > 0) this.wrong = 'something follows its end';
    else this.#openMember();
    return taken;
  }

  #openMember(): void {
    const name = textOf(this.#header.subarray(0, 100));
    const bytes = sizeOf(this.#header.subarray(124, 136));
    if (this.#header.toString('latin1', 257, 262) !== 'ustar' || !isSummed(this.#header)) {
      this.wrong = 'it is no tar archive, or one of its headers is damaged';
    } else if (!['0', '\0'].includes(String.fromCodePoint(this.#header.readUInt8(156)))) {
      this.wrong = `its member ${printable(name)} is no plain file`;
    } else if (!Number.isSafeInteger(bytes) || bytes < 0) {
      this.wrong = `its member ${printable(name)} has an impossible size`;
    } else {
      this.#body = bytes;
      this.#padding = (blockBytes - (bytes % blockBytes)) % blockBytes;
      this.#member = this.#onMember(name);
      this.#closeIfRead();
    }
  }

  #readBody(bytes: Buffer): number {
    const body = Math.min(this.#body, bytes.length);
    if (body > 0) this.#member?.update(bytes.subarray(0, body));
    this.#body -= body;
    const padding = Math.min(this.#padding, bytes.length - body);
    this.#padding -= padding;
    this.#closeIfRead();
    return body + padding;
  }

  #closeIfRead(): void {
    if (this.#body + this.#padding > 0) return;
    this.#member?.problem();
    this.#member = undefined;
  }
}

function textOf(field: Buffer): string {
  const end = field.indexOf(0);
  return field.toString('latin1', 0, end === -1 ? field.length : end);
}

/** Octal digits, or a set highest bit and the number itself, most significant byte first; NaN for anything else. */
function sizeOf(field: Buffer): number {
  if ((field.readUInt8(0) & 0x80) === 0) {
    const digits = textOf(field).trim();
    return /^[0-7]{1,12}$/.test(digits) ? Number.parseInt(digits, 8) : Number.NaN;
  }
  return field.subarray(1).reduce((size, byte) => size * 256 + byte, field.readUInt8(0) & 0x7f);
}

/** The sum of all bytes, those of the sum itself taken for spaces. */
function isSummed(header: Buffer): boolean {
  const recorded = sizeOf(header.subarray(148, 156));
  const blank = 8 * 0x20;
  const own = header.subarray(148, 156).reduce((sum, byte) => sum + byte, 0);
  return header.reduce((sum, byte) => sum + byte, 0) - own + blank === recorded;
}
