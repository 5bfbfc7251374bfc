import { DbopsError } from '../core/errors.ts';
import { keyIn, type ObjectKey } from '../core/ids.ts';
import { MANIFEST_NAME } from '../core/manifest.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { CallOptions, Storage } from '../core/ports/storage.ts';

/**
 * Removes a backup's objects, the manifest first: from that moment on it is no backup, and a kill leaves litter and
 * never a manifest that points at missing parts.
 */
export async function discard(storage: Storage, keys: readonly ObjectKey[], options: CallOptions): Promise<void> {
  const isManifest = (key: ObjectKey): boolean => key.split('/').at(-1) === MANIFEST_NAME;
  for (const key of [...keys.filter(isManifest), ...keys.filter((key) => !isManifest(key))]) {
    await storage.remove(key, options);
  }
}

/** Removes a folder as it is now: a verification, which needs no lock, may have put a record into it since it was listed. */
export async function removeBackup(storage: Storage, prefix: string, options: CallOptions): Promise<void> {
  await storage.remove(keyIn(prefix, MANIFEST_NAME), options);
  const keys: ObjectKey[] = [];
  for await (const { key } of storage.list(prefix, options)) keys.push(key);
  await discard(storage, keys, options);
}

// For all that is taken back and released after a failure.
const takeBackWithinMs = 15_000;

/**
 * Taking back has to work after an abort, so it does not go by the run's own signal; and a storage that is gone must not
 * hold up the end of a run.
 */
export function patienceToTakeBack(clock: Clock): CallOptions & Disposable {
  const [late, done] = [new AbortController(), new AbortController()];
  const reason = new DbopsError('STORAGE_FAILED', `no answer within ${takeBackWithinMs / 1000} s`);
  clock.sleep(takeBackWithinMs, done.signal).then(
    () => late.abort(reason),
    () => undefined,
  );
  return { signal: late.signal, [Symbol.dispose]: () => done.abort() };
}
