import type { CommanderError } from 'commander';
import { DbopsError, messageOf } from '../core/errors.ts';
import { plainLines } from '../report/format.ts';
import type { Paint } from '../report/paint.ts';

/** An error as it stands in JSON documents. */
export function errorDocument(error: unknown): { code: string; message: string; hint: string | null } {
  const code = error instanceof DbopsError ? error.code : 'INTERNAL';
  return { code, message: messageOf(error), hint: error instanceof DbopsError ? (error.hint ?? null) : null };
}

/** An error for people; what is no `DbopsError` is our bug, and shows its stack. */
export function describeFailure(error: unknown, paint: Paint): string {
  if (error instanceof DbopsError) {
    const hint = error.hint === undefined ? '' : `\n${paint.hint('hint:')} ${plainLines(error.hint)}`;
    return `${paint.bad('error:')} ${plainLines(error.message)}${hint}\n`;
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return `${paint.bad('internal error, please report it:')} ${plainLines(stack)}\n`;
}

function isCommanderError(error: unknown): error is CommanderError {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('commander.');
}

/** The parser's errors in our words; undefined for help and version, which end by an exception too. */
export function unwrapUsage(error: unknown): unknown {
  return isCommanderError(error) ? usageError(error) : error;
}

function usageError(error: CommanderError): DbopsError | undefined {
  if (error.exitCode === 0) return undefined;
  if (error.code === 'commander.help')
    return new DbopsError('USAGE', 'no command was given', { hint: 'See `dbops --help`.' });
  return new DbopsError('USAGE', error.message.replace(/^error: /, ''), { hint: 'See `dbops <command> --help`.' });
}
