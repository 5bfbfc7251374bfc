import { expect, test } from 'vitest';
import { createLocalStorage } from '../../src/storage/local/local-storage.ts';
import { createMemoryStorage } from '../../src/storage/memory/memory-storage.ts';
import { withLog } from '../../src/storage/wrap/logged.ts';
import { bodyOf, key, keysOf, patient } from '../support/bodies.ts';
import { filesBelow } from '../support/file-tree.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { storageSuite } from './storage.suite.ts';

storageSuite('logged memory', async () => {
  const storage = createMemoryStorage();
  return { storage: withLog(storage, () => undefined), leftovers: () => keysOf(storage) };
});

storageSuite('logged local', async () => {
  const folder = await temporaryFolder();
  return { storage: withLog(createLocalStorage(folder), () => undefined), leftovers: () => filesBelow(folder) };
});

test('the log names the storage, the call and the key, and never a body', async () => {
  const calls: object[] = [];
  const storage = withLog(createMemoryStorage(), (call) => calls.push(call));
  await storage.put(key('app/a'), bodyOf('secret body'), patient);
  await storage.get(key('app/a'), patient);
  await keysOf(storage, 'app');
  await storage.remove(key('app/a'), patient);
  expect(calls).toEqual([
    { storage: 'memory', call: 'put', key: 'app/a' },
    { storage: 'memory', call: 'get', key: 'app/a' },
    { storage: 'memory', call: 'list', key: 'app' },
    { storage: 'memory', call: 'remove', key: 'app/a' },
  ]);
});
