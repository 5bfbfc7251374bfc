import { once } from 'node:events';
import { createServer } from 'node:http';
import { expect, onTestFinished, test } from 'vitest';
import type { Storage } from '../../src/core/ports/storage.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { openS3Storage } from '../../src/storage/s3/open.ts';
import { keysOf, patient } from '../support/bodies.ts';

/** A storage at an address where everything is answered with the same page. */
async function openAt(page: string): Promise<Storage> {
  const server = createServer((_, answer) => void answer.end(page));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const settings = { endpoint: `http://127.0.0.1:${address.port}`, accessKeyId: 'a', secretAccessKey: 'b' };
  const patience = { budgetMs: 0, firstBudgetMs: 0, stallMs: 5_000, graceMs: 0 };
  const storage = openS3Storage({ location: 's3://bucket', folder: '/', settings }, {}, systemClock, patience);
  onTestFinished(async () => {
    await storage[Symbol.asyncDispose]();
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  return storage;
}

const refusal = {
  code: 'STORAGE_FAILED',
  message: expect.stringContaining('no store that speaks S3'),
  hint: expect.stringContaining('Check the endpoint'),
};

test.each([
  ['well-formed', '<html><head/><body>Please log in</body></html>'],
  ['as they are written', '<!doctype html><html><body><p>Please log in<br></body></html>'],
  ['of another service', '<ListAllMyBucketsResult><Buckets/></ListAllMyBucketsResult>'],
  ['in JSON', '{"keys":[]}'],
  ['that are empty', ''],
])('pages %s are no empty bucket', async (_, page) => {
  const storage = await openAt(page);
  await expect(keysOf(storage)).rejects.toMatchObject(refusal);
  await expect(Array.fromAsync(storage.unfinished('', patient))).rejects.toMatchObject(refusal);
});
