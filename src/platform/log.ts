import { openSync } from 'node:fs';
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
  const write = file === undefined ? fallback : appendTo(file);
  const destination = new Writable({
    decodeStrings: false,
    write: (line: string, _encoding, done) => {
      write(redact(line));
      done();
    },
  });
  return pino({ level, base: { pid: process.pid }, timestamp: pino.stdTimeFunctions.isoTime }, destination);
}

function appendTo(file: string): (line: string) => void {
  try {
    const handle = openSync(file, 'a', 0o600);
    const destination = pino.destination({ fd: handle, sync: true });
    return (line) => void destination.write(line);
  } catch (error) {
    throw new DbopsError('USAGE', `the log file ${file} cannot be opened: ${messageOf(error)}`, {
      hint: 'Check --log-file and the rights of its folder.',
      cause: error,
    });
  }
}
