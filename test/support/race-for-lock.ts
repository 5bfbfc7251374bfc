// A program of its own: takes the lock of target `app`, and proves that nobody else is inside while it is.
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseTargetName } from '../../src/core/ids.ts';
import { systemClock, systemRandom } from '../../src/platform/clock.ts';
import { createLock } from '../../src/storage/lease.ts';
import { createLocalStorage } from '../../src/storage/local/local-storage.ts';

const [root = '', gate = ''] = process.argv.slice(2);
const { signal } = new AbortController();
await using storage = createLocalStorage(root);
const lock = createLock(storage, systemClock, systemRandom);
const onReleaseFailure = (error: unknown): never => {
  throw error;
};
console.log('ready');
await new Promise((resolve) => process.stdin.once('data', resolve));
process.stdin.destroy();
const target = parseTargetName('app');
await using lease = await lock.acquire(target, { purpose: 'backup', waitMs: 60_000, signal, onReleaseFailure });
// Fails when somebody else is inside.
writeFileSync(join(gate, 'inside'), String(process.pid), { flag: 'wx' });
await lease.confirm({ signal });
lease.settle();
rmSync(join(gate, 'inside'));
console.log(`inherited ${lease.inherited.join(',')}`);
