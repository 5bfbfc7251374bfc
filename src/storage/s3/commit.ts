import { DbopsError } from '../../core/errors.ts';
import type { ObjectKey } from '../../core/ids.ts';
import type { Bucket } from './bucket.ts';
import { explain, nameOf, type Attempted } from './explain.ts';
import { failureOf, isTaken, isUncertain } from './failure.ts';
import { headObject, TOKEN } from './head.ts';
import type { LockInput } from './object-settings.ts';

/** One put: what it writes, and how its object will be known again. */
export interface Putting {
  readonly key: ObjectKey;
  readonly token: string;
  readonly ifAbsent: boolean;
  readonly lock: LockInput;
}

const askAgainMs = 15_000;

/**
 * Takes the step that makes an object visible. An answer may get lost: then the object itself says, by its token, whether
 * it is ours. An abort that comes meanwhile waits for a moment, because the step may have been taken already.
 * @throws DbopsError OBJECT_EXISTS when another one holds the key
 */
export async function commit<T>(
  bucket: Bucket,
  putting: Putting,
  act: (signal: AbortSignal) => Promise<T>,
  signal: AbortSignal,
): Promise<T | undefined> {
  signal.throwIfAborted();
  using late = afterGrace(bucket, signal);
  try {
    return await act(late.signal);
  } catch (error) {
    if (await mayBeOurs(bucket, putting, error, late.signal)) return undefined;
    signal.throwIfAborted();
    if (putting.ifAbsent && isTaken(failureOf(error))) throw taken(bucket, putting.key);
    throw explain(error, writing(putting), bucket.place, bucket.clock.now());
  }
}

/** What a put attempts, for words. */
export function writing({ key, lock }: Putting, what = 'cannot write'): Attempted {
  return { action: 's3:PutObject', doing: what, key, locks: Object.keys(lock).length > 0 };
}

export function taken({ place }: Bucket, key: ObjectKey): DbopsError {
  return new DbopsError('OBJECT_EXISTS', `${nameOf({ key }, place)} exists already`);
}

async function mayBeOurs(bucket: Bucket, putting: Putting, error: unknown, signal: AbortSignal): Promise<boolean> {
  if (error instanceof DbopsError) return false;
  const failure = failureOf(error);
  const isOpen = signal.aborted || isTaken(failure) || isUncertain(failure) || failure.code === 'NoSuchUpload';
  return isOpen && isOurs(bucket, putting);
}

/** False when the store does not say. */
export async function isOurs(bucket: Bucket, { key, token }: Putting): Promise<boolean> {
  try {
    const head = await headObject(bucket, key, AbortSignal.timeout(askAgainMs));
    return head?.Metadata?.[TOKEN] === token;
  } catch {
    return false;
  }
}

/** A signal that is aborted a moment after another one. */
function afterGrace({ clock, patience }: Bucket, signal: AbortSignal): Disposable & { readonly signal: AbortSignal } {
  const [late, done] = [new AbortController(), new AbortController()];
  const onAbort = (): void => {
    clock.sleep(patience.graceMs, done.signal).then(
      () => late.abort(signal.reason),
      () => undefined,
    );
  };
  signal.addEventListener('abort', onAbort, { once: true });
  return {
    signal: late.signal,
    [Symbol.dispose]: () => {
      signal.removeEventListener('abort', onAbort);
      done.abort();
    },
  };
}
