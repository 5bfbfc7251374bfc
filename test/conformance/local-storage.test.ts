import { createLocalStorage } from '../../src/storage/local/local-storage.ts';
import { filesBelow } from '../support/file-tree.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { storageSuite } from './storage.suite.ts';

storageSuite('local', async () => {
  const folder = await temporaryFolder();
  return { storage: createLocalStorage(folder), leftovers: () => filesBelow(folder) };
});
