import { nameAt, type QualifiedName } from './names.ts';
import { tokensOf } from './tokens.ts';

/** What a COPY moves. `stream` is the client's: psql reads the lines that follow, or writes to its output. */
export interface CopyStatement {
  /** Undefined for a query. */
  readonly table: QualifiedName | undefined;
  readonly direction: 'from' | 'to';
  readonly with: 'stream' | 'program' | 'file';
}

/** Reads a COPY by the grammar of the manual's page; undefined for any other statement, and for one that is malformed. */
export function readCopy(statement: Buffer): CopyStatement | undefined {
  const tokens = tokensOf(statement);
  if (tokens[0]?.text !== 'copy' || tokens[0].type !== 'word') return undefined;
  // Before version 7.3 the word stood here; servers still take it.
  const start = tokens[1]?.text === 'binary' && !['.', '(', 'from', 'to'].includes(tokens[2]?.text ?? '') ? 2 : 1;
  const table = nameAt(tokens, start);
  const at = tokens.findIndex(({ type, depth }, index) => index >= (table?.end ?? 1) && depth === 0 && type === 'word');
  const direction = tokens[at]?.text;
  const target = tokens[at + 1];
  if ((direction !== 'from' && direction !== 'to') || target === undefined) return undefined;
  if (target.type === 'string') return { table: table?.name, direction, with: 'file' };
  if (target.type !== 'word') return undefined;
  if (target.text === 'program') return { table: table?.name, direction, with: 'program' };
  // The grammar takes either word for either direction.
  return ['stdin', 'stdout'].includes(target.text) ? { table: table?.name, direction, with: 'stream' } : undefined;
}
