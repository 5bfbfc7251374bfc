// Uploads an object in parts, says `uploaded` on stdout when two of them are there, and then waits to be killed:
// node upload-and-wait.ts <bucket> <access as JSON>
import { Readable } from 'node:stream';
import { parseObjectKey } from '../../../src/core/ids.ts';
import { systemClock } from '../../../src/platform/clock.ts';
import { openS3Storage } from '../../../src/storage/s3/open.ts';
import { noise } from '../bodies.ts';
import type { StoreAccess } from './ceph.ts';

const [bucket = '', access = ''] = process.argv.slice(2);
const settings = JSON.parse(access) as StoreAccess;
const storage = openS3Storage({ location: `s3://${bucket}`, folder: '/', settings: { ...settings } }, {}, systemClock);

async function* twoPartsAndNoEnd(): AsyncGenerator<Buffer> {
  yield noise(17_000_000);
  const { signal } = new AbortController();
  for (;;) {
    const uploads = await Array.fromAsync(storage.unfinished('', { signal }));
    if (uploads.length > 0) process.stdout.write('uploaded\n');
    await systemClock.sleep(50, signal);
  }
}

const body = Readable.from(twoPartsAndNoEnd(), { objectMode: false, highWaterMark: 1 });
await storage.put(parseObjectKey('app/large'), body, { signal: new AbortController().signal });
