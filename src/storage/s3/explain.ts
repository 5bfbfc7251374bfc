import { DbopsError, type ErrorCode } from '../../core/errors.ts';
import { failureOf, isCorruption, type Failure } from './failure.ts';

/** Where a request went, for words. */
export interface Place {
  readonly scheme: 's3' | 'gs';
  readonly bucket: string;
  readonly root: string;
  readonly endpoint: string | undefined;
  readonly region: string;
}

export interface Attempted {
  /** As permissions are called: `s3:PutObject`. */
  readonly action: string;
  /** `cannot write` */
  readonly doing: string;
  readonly key?: string | undefined;
  /** The request was to lock what it writes. */
  readonly locks?: boolean;
}

interface Words {
  readonly code: ErrorCode;
  readonly what: string;
  readonly hint?: string;
}

/** A failure of the store as people need it: what was wanted, what the store says, what to do. No secrets. */
export function explain(error: unknown, attempted: Attempted, place: Place, now: Date): DbopsError {
  if (error instanceof DbopsError) return error;
  const failure = failureOf(error);
  const known = wordsFor(failure, { attempted, place, now });
  const { code, what, hint } = known ?? { code: 'STORAGE_FAILED', what: inItsWords(failure), hint: undefined };
  return new DbopsError(code, `${attempted.doing} ${nameOf(attempted, place)}: ${what}`, {
    cause: error,
    ...(hint === undefined ? {} : { hint }),
  });
}

export function nameOf({ key }: Pick<Attempted, 'key'>, { scheme, bucket, root }: Place): string {
  return `${scheme}://${bucket}/${root}${key ?? ''}`.replace(/\/$/, '');
}

interface Scene {
  readonly attempted: Attempted;
  readonly place: Place;
  readonly now: Date;
}

function wordsFor(failure: Failure, scene: Scene): Words | undefined {
  return (
    // Stores answer 403 for many reasons: the name of a failure says more than its status.
    ofLock(failure, scene) ??
    ofState(failure) ??
    ofTime(failure, scene) ??
    ofPlace(failure, scene) ??
    ofCredentials(failure, scene) ??
    ofNetwork(failure, scene) ??
    ofStranger(failure, scene)
  );
}

function ofCredentials({ code, status, message }: Failure, { attempted, place }: Scene): Words | undefined {
  if (code === 'CredentialsProviderError' || /could not load credentials|credential is missing/i.test(message)) {
    return {
      code: 'STORAGE_FAILED',
      what: 'no credentials were found',
      hint: 'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (or their _FILE twins), name a profile in the configuration, or give the machine a role.',
    };
  }
  if (['ExpiredToken', 'ExpiredTokenException', 'TokenRefreshRequired', 'RequestExpired'].includes(code)) {
    return {
      code: 'STORAGE_FAILED',
      what: 'the credentials have expired',
      hint: 'Get new ones (for example `aws sso login`), and run this again; backups that are stored stay as they are.',
    };
  }
  if (['InvalidAccessKeyId', 'SignatureDoesNotMatch', 'InvalidToken', 'InvalidSecurity'].includes(code)) {
    return {
      code: 'STORAGE_FAILED',
      what: `the store does not accept the credentials (${code})`,
      hint: 'Check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, that they belong to this store, and that nothing on the way changes requests.',
    };
  }
  if (['AccessDenied', 'Forbidden', 'AllAccessDisabled', 'UnauthorizedAccess'].includes(code) || status === 403) {
    return {
      code: 'STORAGE_FAILED',
      what: 'no permission',
      hint: `Allow ${attempted.action} on ${resourceOf(attempted, place)} for these credentials; docs/s3.md has a whole policy.`,
    };
  }
  return undefined;
}

function resourceOf({ action }: Attempted, { bucket, root }: Place): string {
  const ofBucket = action.startsWith('s3:List') && action !== 's3:ListMultipartUploadParts';
  return ofBucket ? `arn:aws:s3:::${bucket}` : `arn:aws:s3:::${bucket}/${root}*`;
}

const regional = new Set([
  'PermanentRedirect',
  'TemporaryRedirect',
  'AuthorizationHeaderMalformed',
  'IllegalLocationConstraintException',
]);

function ofPlace({ code, status, message, headers }: Failure, { place }: Scene): Words | undefined {
  const { bucket, endpoint, region } = place;
  if (code === 'NoSuchBucket') {
    return {
      code: 'STORAGE_FAILED',
      what: `there is no bucket ${bucket}${endpoint === undefined ? '' : ` at ${endpoint}`}`,
      hint: 'Check its name and the endpoint; dbops makes no buckets.',
    };
  }
  if (!regional.has(code) && status !== 301 && status !== 307) return undefined;
  const right = headers['x-amz-bucket-region'] ?? /expecting '([a-z0-9-]{1,40})'/.exec(message)?.[1];
  const known = right !== undefined && /^[a-z0-9-]{1,40}$/.test(right) ? right : undefined;
  return {
    code: 'STORAGE_FAILED',
    what: `the bucket is ${known === undefined ? 'not' : `in ${known}, not`} in the region ${region}`,
    hint: `Set AWS_REGION, or region in the configuration, to ${known ?? "the bucket's region"}; for other stores check the endpoint.`,
  };
}

function ofTime({ code, headers }: Failure, { now }: Scene): Words | undefined {
  if (code === 'RequestTimeTooSkewed' || code === 'RequestInTheFuture') {
    const theirs = new Date(headers['date'] ?? '');
    const told = Number.isNaN(theirs.getTime()) ? '' : ` (there ${theirs.toISOString()}, here ${now.toISOString()})`;
    return {
      code: 'STORAGE_FAILED',
      what: `the clocks differ too much${told}`,
      hint: 'Set the clock of this machine right, for example with NTP, and run this again.',
    };
  }
  if (['SlowDown', 'Throttling', 'ThrottlingException', 'TooManyRequests'].includes(code)) {
    return {
      code: 'STORAGE_FAILED',
      what: 'the store asks to slow down, and did so for as long as was tried',
      hint: 'Run this again later, limit the rate with limitRate in the configuration, or ask who runs the store.',
    };
  }
  return undefined;
}

// Stores say of a bucket without object lock that the request is invalid, and some say no more.
function ofLock({ code }: Failure, { attempted }: Scene): Words | undefined {
  if (attempted.locks !== true || (code !== 'InvalidRequest' && code !== 'ObjectLockConfigurationNotFoundError')) {
    return undefined;
  }
  return {
    code: 'STORAGE_FAILED',
    what: 'the bucket takes no locks',
    hint: 'Object lock is switched on when a bucket is made. Use another bucket, or remove `lock` from the configuration.',
  };
}

const full = new Set(['QuotaExceeded', 'XMinioStorageFull', 'EntityTooLarge', 'InsufficientStorage', 'TooManyBuckets']);

function ofState(failure: Failure): Words | undefined {
  const { code, status, message } = failure;
  if (isCorruption(code)) {
    return {
      code: 'STORAGE_FAILED',
      what: `other bytes came there than were sent, again and again (${code})`,
      hint: 'Something on the way changes them, such as a proxy; else check the memory of this machine. Go around it, or use https://.',
    };
  }
  if (code === 'EntityTooLarge') {
    return {
      code: 'STORAGE_FAILED',
      what: 'the store takes no object as large as this',
      hint: 'Dump in several parts, or ask who runs the store.',
    };
  }
  if (full.has(code) || status === 507 || /quota|storage full/i.test(message)) {
    return {
      code: 'NO_SPACE',
      what: `the store is full (${code})`,
      hint: 'Raise the quota, or remove old backups with `dbops prune`; in a versioned bucket, old versions count too.',
    };
  }
  if (code === 'InvalidObjectState') {
    return {
      code: 'STORAGE_FAILED',
      what: 'the object is archived and cannot be read at once',
      hint: 'Restore it in the store first (for AWS: `aws s3api restore-object`, minutes to hours), then run this again. Use a storage class that can be read at once for backups.',
    };
  }
  return undefined;
}

const unreachable: Readonly<Record<string, string>> = {
  ENOTFOUND: 'the host is not known',
  EAI_AGAIN: 'the host cannot be looked up',
  ECONNREFUSED: 'nobody answers there',
  EHOSTUNREACH: 'there is no way to the host',
  ENETUNREACH: 'there is no network',
  ECONNRESET: 'the connection was reset again and again',
  EPIPE: 'the connection was closed again and again',
  ETIMEDOUT: 'no answer came in time',
  TimeoutError: 'no answer came in time',
};

function ofNetwork({ code, status, message }: Failure, { place }: Scene): Words | undefined {
  const where = place.endpoint ?? `AWS in ${place.region}`;
  const reason = Object.hasOwn(unreachable, code) ? unreachable[code] : undefined;
  if (status === undefined && reason !== undefined) {
    return {
      code: 'STORAGE_FAILED',
      what: `${where}: ${reason}`,
      hint: 'Check the endpoint, the network and the proxy, and run this again.',
    };
  }
  if (/^(CERT_|ERR_TLS_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|ERR_SSL_)/.test(code) || code === 'EPROTO') {
    return {
      code: 'STORAGE_FAILED',
      what: `${where}: no trusted encrypted connection (${code})`,
      hint: `Give the certificate of the store's authority as caFile. (${message.slice(0, 200)})`,
    };
  }
  return undefined;
}

function ofStranger({ status = 500, message }: Failure, { place }: Scene): Words | undefined {
  return status < 300 && /deserialization error/i.test(message) ? noStore(place) : undefined;
}

/** Something answered that it went well, and not in the language of stores. */
export function noStore({ endpoint, region }: Place): Words & { readonly hint: string } {
  return {
    code: 'STORAGE_FAILED',
    what: `${endpoint ?? `AWS in ${region}`}: what answers there is no store that speaks S3`,
    hint: 'It may be a web page, a proxy or a login of the network. Check the endpoint and the proxy, and run this again.',
  };
}

/** The store's own words: one line, not too long. */
function inItsWords({ code, status, message }: Failure): string {
  const words = message === '' || message === code ? '' : `: ${message.replace(/\s+/g, ' ').slice(0, 300)}`;
  return `${code}${words}${status === undefined ? '' : ` (status ${status})`}`;
}
