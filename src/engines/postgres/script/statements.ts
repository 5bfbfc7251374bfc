import { DbopsError } from '../../../core/errors.ts';
import { readCopy } from '../../../core/sql/copy-statement.ts';
import { tokensOf } from '../../../core/sql/tokens.ts';
import { isUnsafeEncoding } from './encodings.ts';

const HEAD_BYTES = 8192;

/**
 * Fails with REFUSED for a statement that makes the server read or write files or start programs, unless allowed, and for
 * one that changes how psql reads the rest of the script.
 */
export function judgeStatement(head: Buffer, line: number, allowServerFiles: boolean): void {
  switch ((head[0] ?? 0) | 0x20) {
    case 0x63:
      if (!allowServerFiles && /^copy\b/i.test(head.toString('latin1', 0, 5))) judgeCopy(head, line);
      return;
    // SET, SELECT, RESET, DO, ALTER, UPDATE: of pg_settings.
    case 0x73:
    case 0x72:
    case 0x64:
    case 0x61:
    case 0x75:
      judgeSettings(head.subarray(0, HEAD_BYTES), line);
      return;
  }
}

/** Fails with REFUSED for a statement that ends a transaction, or opens one. No dump has such statements. */
export function judgeTransaction(head: Buffer, line: number): void {
  const [, word] =
    /^(abort|begin|commit|end|prepare|release|rollback|savepoint|start)\b/i.exec(head.toString('latin1', 0, 10)) ?? [];
  if (word === undefined) return;
  throw new DbopsError('REFUSED', `line ${line}: ${word.toUpperCase()} stands where all is one transaction`, {
    hint: 'Look at that line: no dump holds such a statement between those of its tables.',
  });
}

/** Fails with REFUSED for every COPY. */
export function refuseCopy(head: Buffer, line: number): void {
  if (!/^copy\b/i.test(head.toString('latin1', 0, 5))) return;
  throw new DbopsError(
    'REFUSED',
    `line ${line}: a COPY cannot be let through where failed statements are passed over`,
    {
      hint: 'When it fails, psql takes its rows for statements and commands. Leave --keep-going out, or use an archive.',
    },
  );
}

function judgeCopy(head: Buffer, line: number): void {
  const copy = readCopy(head);
  if (copy?.with === 'stream') return;
  const what = { program: 'starts a program on the server', file: 'uses a file of the server' };
  const done = copy === undefined ? 'has a form that dbops does not know' : what[copy.with];
  throw new DbopsError('REFUSED', `line ${line}: a COPY in the script ${done}`, {
    hint: 'Look at that line: no dump holds one. Allow it only in a script whose author you trust.',
  });
}

function judgeSettings(head: Buffer, line: number): void {
  const text = head.toString('latin1');
  if (!/conforming|encoding|\bnames\b|\bu&/i.test(text)) return;
  const tokens = tokensOf(head, 100).map((token) => token.text.toLowerCase());
  const mention = tokens.join(' ');
  if (mention.includes('standard_conforming_strings') && !keepsStrings(tokens)) {
    throw new DbopsError('REFUSED', `line ${line}: the script changes standard_conforming_strings`, {
      hint: 'Make the dump again with that setting on: a backslash in a string would mean something else from there on.',
    });
  }
  if (/client_encoding|\bnames\b/.test(mention) && tokens.some(isUnsafeEncoding)) {
    throw new DbopsError('REFUSED', `line ${line}: the script changes to an encoding that cannot be read safely`, {
      hint: 'Make the dump again with --encoding=UTF8.',
    });
  }
}

/** `SET standard_conforming_strings = on;`, as every dump has it. */
function keepsStrings(tokens: readonly string[]): boolean {
  return /^set (?:session |local )?standard_conforming_strings (?:=|to) (?:on|true|yes|1) ?;?$/.test(tokens.join(' '));
}
