import { parseTargetName } from '../../src/core/ids.ts';
import { systemClock, systemRandom } from '../../src/platform/clock.ts';
import { createLock } from '../../src/storage/lease.ts';
// A program of its own: takes the lock of target `app` in a local storage, says so, and holds it until it is killed.
import { createLocalStorage } from '../../src/storage/local/local-storage.ts';

const [root = '', ...work] = process.argv.slice(2);
const { signal } = new AbortController();
const lock = createLock(createLocalStorage(root), systemClock, systemRandom);
const onReleaseFailure = (error: unknown): never => {
  throw error;
};
const lease = await lock.acquire(parseTargetName('app'), { purpose: 'backup', waitMs: 0, signal, onReleaseFailure });
await lease.declare(work, { signal });
console.log('held');
setInterval(() => undefined, 60_000);
