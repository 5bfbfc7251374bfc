import { byte } from './bytes.ts';

const terminator = Buffer.from('\n\\.');

export interface DataPiece {
  /** Where the data, or what is known of it, ends. */
  readonly rows: number;
  /** After the line `\.`, which psql takes for the end alone on its line only, when that is reached. */
  readonly end: number | undefined;
}

/** Looks for the end of a COPY's data. `lineStart`: whether `at` is the first byte of a line. */
export function findEndOfData(buffer: Buffer, at: number, lineStart: boolean, final: boolean): DataPiece {
  let start = lineStart ? at : nextStart(buffer, at);
  for (; start < buffer.length; start = nextStart(buffer, start)) {
    const end = endOfTerminator(buffer, start, final);
    if (end === undefined) return { rows: start, end: undefined };
    if (end >= 0) return { rows: start, end };
  }
  // A line may end here whose successor is the last one, or the backslash of that one may be all that has come.
  const open = buffer.length - 1;
  const cut =
    !final && buffer[open] === byte.backslash && (open === at ? lineStart : buffer[open - 1] === byte.newline);
  return { rows: cut ? open : buffer.length, end: undefined };
}

function nextStart(buffer: Buffer, at: number): number {
  const found = buffer.indexOf(terminator, at);
  return found < 0 ? buffer.length : found + 1;
}

/** -1 when this line is data, undefined when more must come to know. */
function endOfTerminator(buffer: Buffer, start: number, final: boolean): number | undefined {
  if (buffer[start] !== byte.backslash) return -1;
  const left = buffer.length - start;
  if (left > 1 && buffer[start + 1] !== byte.dot) return -1;
  if (left > 2 && buffer[start + 2] === byte.newline) return start + 3;
  if (left > 2 && buffer[start + 2] !== byte.carriageReturn) return -1;
  if (left > 3) return buffer[start + 3] === byte.newline ? start + 4 : -1;
  if (!final) return undefined;
  return left > 1 ? buffer.length : -1;
}
