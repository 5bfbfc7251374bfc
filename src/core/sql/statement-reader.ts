import { byte, countLines } from './bytes.ts';
import { Capture } from './capture.ts';
import { findEndOfData } from './copy-data.ts';
import { readCopy } from './copy-statement.ts';
import type { Dialect } from './dialect.ts';
import { PieceReader } from './piece-reader.ts';
import type { ScriptListener } from './script.ts';
import { StatementShape } from './statement-shape.ts';

const TOKEN_BYTES = 64 * 1024;

/** The part of the scanner that knows of statements, comments and data, and tells the listener. */
export abstract class StatementReader extends PieceReader {
  protected readonly dialect: Dialect;
  protected readonly listener: ScriptListener;
  protected readonly shape: StatementShape;
  protected readonly statement: Capture;
  protected readonly comment = new Capture(TOKEN_BYTES);
  protected state: 'sql' | 'quotes' | 'comment' | 'block' | 'gap' | 'data' = 'sql';
  private offset = 0;
  private lineStart = true;
  protected copyLine = 0;

  constructor(dialect: Dialect, listener: ScriptListener, headBytes: number) {
    super();
    this.dialect = dialect;
    this.listener = listener;
    this.shape = new StatementShape(dialect);
    this.statement = new Capture(headBytes);
  }

  /** Bytes of the script that are decided: those before a statement of which the listener knows nothing yet. */
  get settled(): number {
    return this.statement.open && !this.statement.spilled ? this.offset : this.position;
  }

  protected begin(buffer: Buffer, at: number): void {
    if (this.statement.open) return;
    this.statement.begin(at, this.lineAt(buffer, at));
    this.offset = this.position + at;
    this.shape.reset();
  }

  /** Ends the open statement before `at`. */
  protected close(buffer: Buffer, at: number): void {
    const fresh = !this.statement.spilled;
    const bytes = this.statement.end(buffer, at);
    this.tell(bytes, fresh, true);
    const copy = this.shape.isCopy && this.dialect.copyData && fresh ? readCopy(bytes) : undefined;
    if (copy?.direction !== 'from' || copy.with !== 'stream') return;
    this.state = 'gap';
    this.copyLine = this.statement.line;
  }

  protected doubt(reason: string, buffer: Buffer, at: number): void {
    this.listener.doubtful?.(reason, this.lineAt(buffer, at));
  }

  /** psql reads data from the next line on, and what is left of this line after the data. */
  protected gap(buffer: Buffer, at: number): number {
    const end = this.endOfLine(buffer, at);
    if (end === undefined) return ~at;
    const text = buffer.toString('latin1', at, Math.min(end, at + TOKEN_BYTES));
    if (!/^[ \t]*(--[^\r]*)?\r?$/.test(text)) this.doubt('text after a COPY on its line', buffer, at);
    this.state = 'data';
    this.lineStart = true;
    return Math.min(end + 1, buffer.length);
  }

  protected copyData(buffer: Buffer, at: number): number {
    const { rows, end } = findEndOfData(buffer, at, this.lineStart, this.final);
    this.lineAt(buffer, at);
    const count = countLines(buffer, at, rows);
    this.addLines(count, rows);
    const stop = end ?? rows;
    if (rows > at) this.lineStart = buffer[rows - 1] === byte.newline;
    if (stop > at) this.listener.data?.(buffer.subarray(at, stop), count, end !== undefined);
    if (end === undefined) return ~rows;
    this.state = 'sql';
    return end;
  }

  protected arrive(buffer: Buffer, from: number): void {
    const nul = buffer.indexOf(0, from);
    if (nul < 0) return;
    const line = this.lineAt(buffer, 0) + countLines(buffer, 0, nul);
    this.listener.doubtful?.('a byte 0, at which programs stop reading the line', line);
  }

  protected leave(buffer: Buffer, at: number): number {
    const stuck = buffer.length - at > TOKEN_BYTES;
    if (stuck) this.doubt('a word or a command of more than 64 KiB', buffer, at);
    const end = stuck ? buffer.length : at;
    if (this.statement.open) {
      const fresh = !this.statement.spilled;
      const bytes = this.statement.leave(buffer, end);
      if (bytes !== undefined) this.tell(bytes, fresh, false);
      if (bytes !== undefined && fresh && this.shape.isCopy) this.doubt('a COPY of more than 1 MiB', buffer, end);
    }
    if (this.comment.open) this.tellComment(!this.comment.spilled, this.comment.leave(buffer, end));
    return end;
  }

  protected tellComment(fresh: boolean, text: Buffer | undefined): void {
    if (fresh && text !== undefined) this.listener.comment?.(text.subarray(0, TOKEN_BYTES), this.comment.line);
  }

  private tell(bytes: Buffer, fresh: boolean, ended: boolean): void {
    if (fresh) this.listener.statement?.(bytes, this.statement.line, ended);
    else this.listener.rest?.(bytes, ended);
  }
}
