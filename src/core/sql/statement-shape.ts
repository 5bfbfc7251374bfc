import type { Dialect } from './dialect.ts';

/**
 * Whether a semicolon ends a statement: not in parentheses, and not in a body between BEGIN and END. The rule for bodies
 * is the one of psql since version 14, which looks at words and no further: in `CREATE FUNCTION` a BEGIN opens, and
 * within it a CASE too, and END closes. Sharing its mistakes means that both see the same statements.
 */
export class StatementShape {
  private readonly bodies: RegExp;
  private words = 0;
  private lead = '';
  private hasBody = false;
  /** Whether it is a COPY, by its first word. */
  isCopy = false;
  parentheses = 0;
  body = 0;

  constructor(dialect: Dialect) {
    this.bodies = dialect.bodies;
  }

  reset(): void {
    this.words = this.parentheses = this.body = 0;
    this.lead = '';
    this.hasBody = this.isCopy = false;
  }

  get ends(): boolean {
    return this.parentheses === 0 && this.body === 0;
  }

  open(): void {
    this.parentheses++;
  }

  close(): void {
    if (this.parentheses > 0) this.parentheses--;
  }

  word(buffer: Buffer, from: number, to: number): void {
    if (this.words < 4) this.leadingWord(buffer, from, to);
    this.words++;
    if (!this.hasBody || this.parentheses > 0 || to - from > 5) return;
    const word = buffer.toString('latin1', from, to).toLowerCase();
    if (word === 'begin' || (word === 'case' && this.body > 0)) this.body++;
    else if (word === 'end' && this.body > 0) this.body--;
  }

  private leadingWord(buffer: Buffer, from: number, to: number): void {
    // Called for every word of short statements: most do not begin with a C.
    if (this.words === 0 ? ((buffer[from] ?? 0) | 0x20) !== 0x63 : this.lead === '') return;
    const word = buffer.toString('latin1', from, Math.min(to, from + 16)).toLowerCase();
    this.lead = this.words === 0 ? word : `${this.lead} ${word}`;
    if (this.words === 0) this.isCopy = word === 'copy';
    this.hasBody ||= this.bodies.test(this.lead);
  }
}
