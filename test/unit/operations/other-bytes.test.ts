import { expect, test } from 'vitest';
import { otherBytes } from '../../../src/operations/other-bytes.ts';
import { createLocalStorage } from '../../../src/storage/local/local-storage.ts';
import { createMemoryStorage } from '../../../src/storage/memory/memory-storage.ts';
import { key } from '../../support/bodies.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

test('what reads back differently is blamed on a disk only where there is one', async () => {
  const folder = await temporaryFolder();
  expect(otherBytes(key('app/a'), createLocalStorage(folder)).hint).toContain('Check the disk and the memory');
  const elsewhere = otherBytes(key('app/a'), createMemoryStorage());
  expect(elsewhere).toMatchObject({ code: 'VERIFY_FAILED', hint: expect.stringContaining('proxy') });
  expect(elsewhere.hint).not.toContain('disk');
});
