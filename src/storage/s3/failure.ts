/** What is known of a request that failed: an answer of the store, or none. */
export interface Failure {
  /** The store's name for it (`NoSuchBucket`), or that of the operating system (`ECONNRESET`). */
  readonly code: string;
  /** Undefined when no answer came. */
  readonly status: number | undefined;
  readonly message: string;
  readonly headers: Readonly<Record<string, string>>;
}

interface SdkError extends Error {
  readonly Code?: unknown;
  readonly code?: unknown;
  readonly $metadata?: { readonly httpStatusCode?: number };
  readonly $response?: { readonly headers?: Readonly<Record<string, string>> };
}

export function failureOf(error: unknown): Failure {
  if (!(error instanceof Error)) return { code: 'Unknown', status: undefined, message: String(error), headers: {} };
  const { name, Code, code, message, cause, $metadata, $response }: SdkError = error;
  const status = $metadata?.httpStatusCode;
  const word = [Code, code, name].find((candidate) => typeof candidate === 'string') as string;
  if (status === undefined && typeof code !== 'string' && cause instanceof Error && 'code' in cause) {
    return { ...failureOf(cause), message };
  }
  return { code: word, status, message, headers: $response?.headers ?? {} };
}

/** What may help against a failure. */
export type Remedy = 'repeat' | 'repeat a few times' | 'renew credentials' | 'correct clock' | 'none';

export function remedyOf({ code, status, message }: Failure): Remedy {
  if (expired.has(code)) return 'renew credentials';
  if (skewed.has(code)) return 'correct clock';
  if (status === 501) return 'none';
  if (status !== undefined && (status >= 500 || status === 408 || status === 429)) return 'repeat';
  if (passing.has(code)) return 'repeat';
  if (isCorruption(code)) return 'repeat a few times';
  // An answer that broke off, or was no answer of HTTP or in XML.
  if (/premature|socket hang up|aborted/i.test(message) || code.startsWith('HPE_')) return 'repeat';
  return /deserialization error/i.test(message) ? 'repeat a few times' : 'none';
}

/** Other bytes came than were sent: a bad line does that once, a proxy that changes them always. */
export function isCorruption(code: string): boolean {
  return ['BadDigest', 'XAmzContentSHA256Mismatch', 'XAmzContentChecksumMismatch'].includes(code);
}

const expired = new Set(['ExpiredToken', 'ExpiredTokenException', 'TokenRefreshRequired', 'RequestExpired']);
const skewed = new Set(['RequestTimeTooSkewed', 'RequestInTheFuture']);
const ofNetwork = [
  ['ECONNRESET', 'ECONNREFUSED', 'ECONNABORTED', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'ENETDOWN'],
  ['ENOTFOUND', 'EAI_AGAIN', 'TimeoutError', 'ERR_STREAM_PREMATURE_CLOSE'],
];
// Whatever the status.
const ofStore = [
  ['SlowDown', 'Throttling', 'ThrottlingException', 'TooManyRequests', 'RequestTimeout', 'InternalError'],
  ['ServiceUnavailable', 'OperationAborted', 'ConditionalRequestConflict', 'IncompleteBody'],
];
const passing = new Set([...ofNetwork, ...ofStore].flat());

/** Whether the store may have done what it was asked for although we were told otherwise, or nothing. */
export function isUncertain({ status }: Failure): boolean {
  return status === undefined || status >= 500 || status === 408 || status === 200;
}

/** The key is taken, said to a write that wanted it free. */
export function isTaken({ code, status }: Failure): boolean {
  return status === 412 || code === 'PreconditionFailed';
}

/** The store does not know how to do that. */
export function isUnknownToStore({ code, status }: Failure): boolean {
  return status === 501 || code === 'NotImplemented';
}
