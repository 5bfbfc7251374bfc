import { hasCode, messageOf } from '../core/errors.ts';
import type { Reporter } from '../core/ports/reporter.ts';
import type { CallOptions, Storage, UnfinishedPut } from '../core/ports/storage.ts';

/**
 * What was begun below a prefix and never ended, as far as the storage tells: whoever may not see it can prune all the
 * same, and is warned.
 */
export async function findUnfinished(
  storage: Storage,
  prefix: string,
  reporter: Reporter,
  options: CallOptions,
): Promise<readonly UnfinishedPut[]> {
  try {
    return await Array.fromAsync(storage.unfinished(prefix, options));
  } catch (error) {
    options.signal.throwIfAborted();
    if (!hasCode(error, 'STORAGE_FAILED')) throw error;
    const message = `unfinished uploads stay, if there are any: ${messageOf(error)}`;
    reporter.report({ type: 'warning', subject: prefix === '' ? storage.label : prefix, message });
    return [];
  }
}
