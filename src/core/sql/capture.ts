/**
 * Collects the bytes of one piece of text (a statement, a comment) that may span many buffers, and hands on what goes
 * beyond `limit`, so that a statement of any length needs bounded memory.
 */
export class Capture {
  private readonly limit: number;
  private parts: Buffer[] = [];
  private size = 0;
  /** Where the piece, or what is left of it, starts in the current buffer. */
  private from = 0;
  /** A piece has begun. */
  open = false;
  /** Its first bytes have been handed on already. */
  spilled = false;
  /** The line it starts at. */
  line = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  begin(at: number, line: number): void {
    this.open = true;
    this.spilled = false;
    this.from = at;
    this.line = line;
    this.parts = [];
    this.size = 0;
  }

  /** Ends the piece and gives its bytes, or the rest of them. */
  end(buffer: Buffer, at: number): Buffer {
    this.open = false;
    return this.take(buffer, at);
  }

  /** To be called when a buffer is left behind; gives what must be handed on because it has become too much. */
  leave(buffer: Buffer, at: number): Buffer | undefined {
    if (this.spilled || this.size + at - this.from >= this.limit) {
      this.spilled = true;
      const bytes = this.take(buffer, at);
      this.from = 0;
      return bytes;
    }
    if (at > this.from) this.parts.push(buffer.subarray(this.from, at));
    this.size += at - this.from;
    this.from = 0;
    return undefined;
  }

  private take(buffer: Buffer, at: number): Buffer {
    const last = buffer.subarray(this.from, at);
    if (this.parts.length === 0) return last;
    const bytes = Buffer.concat([...this.parts, last]);
    this.parts = [];
    this.size = 0;
    return bytes;
  }
}
