import type { Backup } from '../core/catalog.ts';
import type { CallOptions, Storage } from '../core/ports/storage.ts';
import type { Candidate, Verdict } from '../core/retention.ts';
import { inParallel } from './in-parallel.ts';

const width = 32;

interface Judged extends Candidate {
  readonly backup: Backup;
}

/**
 * Keeps what the storage would refuse to remove, or remove in part only: a lock that was set when a backup was made, or by
 * hand. Only those that would go are asked for.
 */
export async function keepLocked<T extends Judged>(
  verdicts: readonly Verdict<T>[],
  storage: Storage,
  now: Date,
  options: CallOptions,
): Promise<readonly Verdict<T>[]> {
  const judged: Verdict<T>[] = [];
  for (const verdict of verdicts) {
    const until = verdict.keep ? undefined : await lockOf(verdict.backup.backup, storage, now, options);
    if (until === undefined) judged.push(verdict);
    else judged.push({ ...verdict, keep: true, reasons: [reasonOf(until), ...verdict.reasons] });
  }
  return judged;
}

/** The latest lock of any of its objects that still holds. */
async function lockOf(
  { objects }: Backup,
  storage: Storage,
  now: Date,
  options: CallOptions,
): Promise<Date | 'forever' | undefined> {
  const infos = await inParallel(objects, width, ({ key }) => storage.stat(key, options));
  const locks = infos.flatMap((info) => info?.lockedUntil ?? []);
  if (locks.includes('forever')) return 'forever';
  const dates = locks.filter((lock) => lock !== 'forever' && lock > now) as Date[];
  return dates.toSorted((a, b) => a.getTime() - b.getTime()).at(-1);
}

function reasonOf(until: Date | 'forever'): string {
  return until === 'forever' ? 'locked until somebody lifts it' : `locked until ${until.toISOString()}`;
}
