import { byte } from './bytes.ts';

/** A comment between slashes and stars, which `depth` of them have opened. */
export interface Block {
  readonly depth: number;
  /** After its end; the complement of where to go on when that is not in this buffer. */
  readonly at: number;
}

export function skipBlock(buffer: Buffer, from: number, depth: number, nested: boolean): Block {
  let open = depth;
  for (let at = from; at < buffer.length; at++) {
    const code = buffer[at];
    if (code !== byte.star && code !== byte.slash) continue;
    if (at + 1 === buffer.length) return { depth: open, at: ~at };
    const next = buffer[at + 1];
    if (code === byte.star && next === byte.slash) {
      at++;
      if (--open === 0) return { depth: 0, at: at + 1 };
    } else if (nested && code === byte.slash && next === byte.star) {
      at++;
      open++;
    }
  }
  return { depth: open, at: ~buffer.length };
}

/** Where a comment of one line ends; the complement of the buffer's end when it does not. */
export function skipLine(buffer: Buffer, from: number, returnEndsLine: boolean): number {
  for (let at = from; at < buffer.length; at++) {
    const code = buffer[at];
    if (code === byte.newline || (returnEndsLine && code === byte.carriageReturn)) return at;
  }
  return ~buffer.length;
}
