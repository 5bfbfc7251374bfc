/**
 * Every expected failure of dbops has one of these codes. The number is the process's exit status and is part of
 * the public contract (docs/output.md); a code may be added, none may change its number.
 */
export const EXIT_CODES = {
  /** A bug of ours: printed with its stack. */
  INTERNAL: 1,
  USAGE: 2,
  CONFIG_INVALID: 2,
  /** It is encrypted, and no key or passphrase was given. */
  KEY_MISSING: 2,
  /** It is encrypted for other keys than those that were given: it is not damaged. */
  KEY_REFUSED: 2,
  /** The database cannot be reached, opened or read as what it claims to be. */
  SOURCE_REFUSED: 3,
  TOOL_MISSING: 4,
  /** A program that dbops runs failed, and not because of what it was given. */
  TOOL_FAILED: 4,
  STORAGE_FAILED: 5,
  /** A create-only write found its key taken. */
  OBJECT_EXISTS: 5,
  /** A key that should be there is not. */
  OBJECT_MISSING: 5,
  /** A check compared two things that must be equal, and they differ. */
  VERIFY_FAILED: 6,
  /** Bytes are not what they were when they were written. */
  DAMAGED: 6,
  LOCKED: 7,
  NO_SPACE: 8,
  /** Possible, but it could lose data: needs an explicit word from the user. */
  REFUSED: 9,
  NOTHING_MATCHES: 10,
  /** Asked for by `--check`: there are migrations to apply. */
  MIGRATION_PENDING: 11,
  /** What is applied and what is in the folder contradict each other. */
  MIGRATION_DRIFT: 11,
  /** A file that no run accepts; nothing was run. */
  MIGRATION_INVALID: 11,
  /** One that was run failed; the message says what of it is left. */
  MIGRATION_FAILED: 11,
  INTERRUPTED: 130,
  TERMINATED: 143,
} as const;

export type ErrorCode = keyof typeof EXIT_CODES;

export interface ErrorDetails {
  /** An instruction that gets the reader further, as a full sentence. */
  readonly hint?: string;
  readonly cause?: unknown;
}

/** The one error class: `message` is lower case without a full stop and names the thing; `hint` says what to do. */
export class DbopsError extends Error {
  override readonly name = 'DbopsError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.hint = details.hint;
  }
}

/** The exit status for anything thrown; what is not a `DbopsError` counts as our bug. */
export function exitCodeOf(error: unknown): number {
  return error instanceof DbopsError ? EXIT_CODES[error.code] : EXIT_CODES.INTERNAL;
}

/** The text of anything thrown, without a stack. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** True for errors that carry this code, whether ours or the operating system's (`ENOENT`, `EEXIST` …). */
export function hasCode(error: unknown, code: string): error is Error {
  return error instanceof Error && 'code' in error && error.code === code;
}

/** The error of ours among the causes of another one, the first that was thrown; undefined when there is none. */
export function rootOf(error: unknown): DbopsError | undefined {
  if (!(error instanceof Error)) return undefined;
  return rootOf(error.cause) ?? (error instanceof DbopsError ? error : undefined);
}
