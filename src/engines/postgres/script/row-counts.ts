import { readCopy } from '../../../core/sql/copy-statement.ts';
import { formatName, nameAt } from '../../../core/sql/names.ts';
import { tokensOf } from '../../../core/sql/tokens.ts';

const HEAD_BYTES = 2048;
/** Tables that are counted: more than a hostile script may make us remember. */
const MOST_TABLES = 200_000;

export interface CountedTable {
  /** As SQL writes it, in quotes where needed: `public.users`. */
  readonly name: string;
  readonly rows: number;
}

/** Counts the rows that a script brings into each table: lines of a COPY, and INSERT statements. */
export class RowCounts {
  private readonly rows = new Map<string, number>();
  private current = '';
  /** The start of the last INSERT, by which most others are known. */
  private prefix: Buffer = Buffer.alloc(0);

  statement(head: Buffer): void {
    const first = (head[0] ?? 0) | 0x20;
    if (first === 0x63) this.copy(head);
    else if (first === 0x69) this.insert(head);
  }

  data(rows: number): void {
    this.add(this.current, rows);
  }

  /** In the order in which they came. */
  list(): CountedTable[] {
    return [...this.rows].map(([name, rows]) => ({ name, rows }));
  }

  private copy(head: Buffer): void {
    if (!/^copy\b/i.test(head.toString('latin1', 0, 5))) return;
    const copy = readCopy(head);
    if (copy?.direction !== 'from' || copy.table === undefined) return;
    this.current = formatName(copy.table);
    this.add(this.current, 0);
    this.prefix = Buffer.alloc(0);
  }

  private insert(head: Buffer): void {
    const { length } = this.prefix;
    if (length === 0 || head.compare(this.prefix, 0, length, 0, Math.min(length, head.length)) !== 0) {
      const tokens = tokensOf(head.subarray(0, HEAD_BYTES), 20);
      const name = tokens[0]?.text === 'insert' && tokens[1]?.text === 'into' ? nameAt(tokens, 2) : undefined;
      if (name === undefined) return;
      this.current = formatName(name.name);
      // With the byte after the name: `INSERT INTO users ` does not start an INSERT into users_old.
      this.prefix = Buffer.from(head.subarray(0, (tokens[name.end - 1]?.end ?? 0) + 1));
    }
    this.add(this.current, 1);
  }

  private add(name: string, rows: number): void {
    const known = this.rows.get(name);
    if (known !== undefined || this.rows.size < MOST_TABLES) this.rows.set(name, (known ?? 0) + rows);
  }
}
