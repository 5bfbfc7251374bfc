/** What a scanner tells about a script, in order. Buffers are views: whoever keeps one copies it. */
export interface ScriptListener {
  /**
   * A statement from its first word to its semicolon, without the comments before it. When `ended` is false it is longer
   * than what is held, and `rest` gives what follows.
   */
  statement?(head: Buffer, line: number, ended: boolean): void;
  rest?(bytes: Buffer, ended: boolean): void;
  /** A comment of one line between statements, cut at 64 KiB. */
  comment?(text: Buffer, line: number): void;
  /** Lines of a COPY's data, and at last the line that ends them; `rows` counts the former. */
  data?(bytes: Buffer, rows: number, ended: boolean): void;
  /** A command of psql: from its backslash to the end of the line. */
  command?(command: Command): void;
  /** Text that programs read in different ways, or that the scanner cannot follow. What comes after it may be misread. */
  doubtful?(reason: string, line: number): void;
}

export interface Command {
  readonly text: Buffer;
  readonly line: number;
  /** Bytes of the script before it. */
  readonly offset: number;
  readonly inStatement: boolean;
}

/** What a script was in the middle of when it ended. */
export type OpenEnd =
  | 'nothing'
  | 'a statement'
  | 'parentheses'
  | 'the body of a statement'
  | 'a quoted string'
  | 'a quoted name'
  | 'a dollar-quoted string'
  | 'a comment'
  | 'the data of a COPY';

export interface ScriptEnd {
  readonly open: OpenEnd;
  /** The line on which that began. */
  readonly line: number;
}
