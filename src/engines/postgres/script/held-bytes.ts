const MOST_BYTES = 4 << 20;
const NEWLINE = 10;

/** Bytes on their way through that are not free to go: until their whole line is judged. */
export class HeldBytes {
  private pieces: Buffer[] = [];
  /** Offset of the first held byte in the script. */
  private offset = 0;
  private size = 0;
  private cuts: { readonly from: number; readonly to: number }[] = [];

  add(piece: Buffer): void {
    this.pieces.push(piece);
    this.size += piece.length;
  }

  /** These bytes are not to pass; offsets in the script. */
  cut(from: number, to: number): void {
    this.cuts.push({ from, to });
  }

  /** Gives what may pass: whole lines before `settled`, and more when a line is too long to be held. */
  release(settled: number): Buffer[] {
    const end = this.endOfLines(settled);
    return end > this.offset ? this.take(end) : this.size > MOST_BYTES ? this.take(settled) : [];
  }

  rest(): Buffer[] {
    return this.take(this.offset + this.size);
  }

  private endOfLines(settled: number): number {
    let end = this.offset + this.size;
    for (const piece of this.pieces.toReversed()) {
      const start = end - piece.length;
      const found = settled > start ? piece.subarray(0, settled - start).lastIndexOf(NEWLINE) : -1;
      if (found >= 0) return start + found + 1;
      end = start;
    }
    return this.offset;
  }

  private take(end: number): Buffer[] {
    const taken: Buffer[] = [];
    while (this.offset < end) {
      const [piece = Buffer.alloc(0)] = this.pieces;
      const part = piece.subarray(0, end - this.offset);
      taken.push(...this.without(part));
      if (part.length === piece.length) this.pieces.shift();
      else this.pieces[0] = piece.subarray(part.length);
      this.offset += part.length;
      this.size -= part.length;
    }
    this.cuts = this.cuts.filter(({ to }) => to > this.offset);
    return taken;
  }

  private without(part: Buffer): Buffer[] {
    const kept: Buffer[] = [];
    let from = 0;
    for (const cut of this.cuts) {
      const start = Math.max(0, cut.from - this.offset);
      const stop = Math.min(part.length, cut.to - this.offset);
      if (start >= part.length || stop <= 0) continue;
      kept.push(part.subarray(from, start));
      from = stop;
    }
    kept.push(part.subarray(from));
    return kept.filter(({ length }) => length > 0);
  }
}
