import { DbopsError } from '../../core/errors.ts';
import type { Bucket } from './bucket.ts';
import { commit, taken, type Putting } from './commit.ts';
import { failureOf, isTaken, isUnknownToStore } from './failure.ts';
import { headObject, TOKEN } from './head.ts';

/** Makes the request that writes, with a condition or none. */
type Write<T> = (condition: object) => (signal: AbortSignal) => Promise<T>;

const onlyIfAbsent = { IfNoneMatch: '*' };
// Longer than the writing of a small object takes: after it, whoever wrote last sees itself, and all others see that.
const settleMs = 1_000;
// What has been written is there: an abort comes too late for what is asked about it afterwards.
const afterwardsMs = 60_000;

/**
 * Of several writers exactly one wins, where the store heeds conditions. Some refuse them, and some (Ceph in versioned
 * buckets) write all the same and say nothing: therefore the first write of a run is tried a second time, which must be
 * refused. Elsewhere this looks before and, a moment later, after: two that write at once are told apart unless one takes
 * longer than that moment.
 */
export async function writeIfAbsent<T>(
  bucket: Bucket,
  putting: Putting,
  write: Write<T>,
  signal: AbortSignal,
): Promise<T | undefined> {
  if (bucket.conditional === 'yes') return commit(bucket, putting, write(onlyIfAbsent), signal);
  // Not replaced by the very write that finds out.
  if ((await headObject(bucket, putting.key, signal)) !== undefined) throw taken(bucket, putting.key);
  const first = bucket.conditional === 'no' ? refused : await tryCondition(bucket, putting, write, signal);
  const isHeeded = first !== refused && (await heeds(write));
  bucket.conditional = isHeeded ? 'yes' : 'no';
  if (isHeeded) return first;
  const answer = first === refused ? await commit(bucket, putting, write({}), signal) : first;
  await confirmWinner(bucket, putting);
  return answer;
}

const refused = Symbol('the store knows no conditions');

async function tryCondition<T>(
  bucket: Bucket,
  putting: Putting,
  write: Write<T>,
  signal: AbortSignal,
): Promise<T | undefined | typeof refused> {
  try {
    return await commit(bucket, putting, write(onlyIfAbsent), signal);
  } catch (error) {
    if (error instanceof DbopsError && isUnknownToStore(failureOf(error.cause))) return refused;
    throw error;
  }
}

/** Whether a second write of what has just been written is refused; the same bytes do no harm if not. */
async function heeds<T>(write: Write<T>): Promise<boolean> {
  try {
    await write(onlyIfAbsent)(AbortSignal.timeout(afterwardsMs));
    return false;
  } catch (error) {
    return isTaken(failureOf(error));
  }
}

async function confirmWinner(bucket: Bucket, { key, token }: Putting): Promise<void> {
  const signal = AbortSignal.timeout(afterwardsMs);
  // Names of parts are unique already; what runs fight for are small documents.
  if (key.endsWith('.json')) await bucket.clock.sleep(settleMs, signal);
  const head = await headObject(bucket, key, signal);
  if (head?.Metadata?.[TOKEN] !== token) throw taken(bucket, key);
}
