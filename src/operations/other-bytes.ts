import { DbopsError } from '../core/errors.ts';
import type { ObjectKey } from '../core/ids.ts';
import type { Storage } from '../core/ports/storage.ts';

/** What was written into a storage reads back differently, before anything was published. */
export function otherBytes(key: ObjectKey, { label, traits }: Storage): DbopsError {
  // Only a storage on this machine has a disk that somebody here could check.
  const suspects =
    traits.scratchParent === undefined
      ? 'the memory of this machine, and what lies between it and the store, such as a proxy'
      : 'the disk and the memory of this machine';
  return new DbopsError('VERIFY_FAILED', `${key} reads back differently from what was stored in ${label}`, {
    hint: `Nothing was published. Check ${suspects}, then run the backup again.`,
  });
}
