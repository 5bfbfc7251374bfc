import { createMemoryStorage } from '../../src/storage/memory/memory-storage.ts';
import { keysOf } from '../support/bodies.ts';
import { storageSuite } from './storage.suite.ts';

storageSuite('memory', async () => {
  const storage = createMemoryStorage();
  return { storage, leftovers: () => keysOf(storage) };
});
