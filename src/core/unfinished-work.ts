import { z } from 'zod';

/** The lock of a target, beside its backups. */
export const LOCK_NAME = 'lock.json';

const schema = z.looseObject({ work: z.array(z.string()) });

/**
 * The ids of the backups that the holder of a lock is making or removing, or left half made or half removed. None when
 * the lock cannot be read: then nothing may be taken for unfinished.
 */
export function parseWork(bytes: Uint8Array): readonly string[] {
  try {
    return schema.parse(JSON.parse(Buffer.from(bytes).toString('utf8'))).work;
  } catch {
    return [];
  }
}
