import { join } from 'node:path';
import { openPrivateFolder } from '../../src/platform/private-folder.ts';
import { createLocalStorage } from '../../src/storage/local/local-storage.ts';
import { createMemoryStorage } from '../../src/storage/memory/memory-storage.ts';
import { withCache } from '../../src/storage/wrap/cached.ts';
import { keysOf } from '../support/bodies.ts';
import { withRevisions } from '../support/counting-storage.ts';
import { filesBelow } from '../support/file-tree.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { storageSuite } from './storage.suite.ts';

storageSuite('cached memory with revisions', async () => {
  const storage = createMemoryStorage();
  const folder = openPrivateFolder(join(await temporaryFolder(), 'dbops/cache'));
  return { storage: withCache(withRevisions(storage).storage, folder), leftovers: () => keysOf(storage) };
});

storageSuite('cached local', async () => {
  const root = await temporaryFolder();
  const folder = openPrivateFolder(join(await temporaryFolder(), 'dbops/cache'));
  return { storage: withCache(createLocalStorage(root), folder), leftovers: () => filesBelow(root) };
});
