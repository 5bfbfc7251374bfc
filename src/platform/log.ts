import { appendFileSync, openSync } from 'node:fs';
import { Writable } from 'node:stream';
import { pino, type Logger } from 'pino';
import { DbopsError, messageOf } from '../core/errors.ts';
import type { LogLevel } from '../core/levels.ts';

export interface LogOptions {
  readonly level: LogLevel;
  /** Appended to, 0600; without one the log goes to `fallback`. */
  readonly file: string | undefined;
  readonly fallback: (line: string) => void;
  readonly redact: (text: string) => string;
}

/** JSON lines, written at once: what a killed run logged last is what one wants to read. */
export function openLog({ level, file, fallback, redact }: LogOptions): Logger {
  const write = file === undefined ? fallback : appendTo(file, fallback);
  const destination = new Writable({
    decodeStrings: false,
    write: (line: string, _encoding, done) => {
      write(redact(line));
      done();
    },
  });
  return pino({ level, base: { pid: process.pid }, timestamp: pino.stdTimeFunctions.isoTime }, destination);
}

function appendTo(file: string, complain: (line: string) => void): (line: string) => void {
  const handle = openForAppending(file);
  let complained = false;
  return (line) => {
    try {
      appendFileSync(handle, line);
    } catch (error) {
      // A full disk of logs must not cost the backup.
      if (!complained) complain(`warning: the log file ${file} cannot be written: ${messageOf(error)}\n`);
      complained = true;
    }
  };
}

function openForAppending(file: string): number {
  try {
    return openSync(file, 'a', 0o600);
  } catch (error) {
    throw new DbopsError('USAGE', `the log file ${file} cannot be opened: ${messageOf(error)}`, {
      hint: 'Check --log-file and the rights of its folder.',
      cause: error,
    });
  }
}
