import { byte, countLines } from './bytes.ts';

/**
 * Reads text that comes in pieces: keeps the bytes that a piece ended in the middle of, counts bytes and lines. A step
 * gives the place to go on from; its complement (`~place`) when the bytes from there on need those of the next piece.
 */
export abstract class PieceReader {
  private carry: Buffer = Buffer.alloc(0);
  private line = 1;
  private counted = 0;
  /** No piece follows. */
  protected final = false;
  /** Bytes of the text before the current buffer. */
  protected position = 0;

  scan(piece: Uint8Array): void {
    const bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
    this.read(this.carry.length === 0 ? bytes : Buffer.concat([this.carry, bytes]), this.carry.length);
  }

  protected finish(): void {
    this.final = true;
    this.read(this.carry, this.carry.length);
  }

  protected abstract step(buffer: Buffer, at: number): number;

  /** Sees bytes before any step does; those before `from` it has seen. */
  protected abstract arrive(buffer: Buffer, from: number): void;

  /** The buffer is left behind up to here; gives the place up to which that is really so. */
  protected abstract leave(buffer: Buffer, at: number): number;

  /** The line of a place in the current buffer; places must come in order. */
  protected lineAt(buffer: Buffer, at: number): number {
    if (at > this.counted) {
      this.line += countLines(buffer, this.counted, at);
      this.counted = at;
    }
    return this.line;
  }

  /** Tells `lineAt` what somebody has counted already. */
  protected addLines(lines: number, at: number): void {
    this.line += lines;
    this.counted = at;
  }

  protected atStart(at: number): boolean {
    return this.position === 0 && at === 0;
  }

  /** The end of the line that starts here, or of the text; undefined when it is not there yet. */
  protected endOfLine(buffer: Buffer, at: number): number | undefined {
    const end = buffer.indexOf(byte.newline, at);
    if (end >= 0) return end;
    return this.final ? buffer.length : undefined;
  }

  private read(buffer: Buffer, from: number): void {
    this.arrive(buffer, from);
    let at = 0;
    while (at >= 0 && at < buffer.length) at = this.step(buffer, at);
    const end = this.leave(buffer, at < 0 ? ~at : at);
    this.lineAt(buffer, end);
    this.counted = 0;
    this.position += end;
    // A copy, so that a short rest does not keep a long buffer alive.
    this.carry = Buffer.from(buffer.subarray(end));
  }
}
