import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import type { Storage } from '../../src/core/ports/storage.ts';
import { backup } from '../../src/operations/backup.ts';
import { findBackup, openStored } from '../../src/operations/restorable.ts';
import { restore } from '../../src/operations/restore.ts';
import { backupRequest, patient } from '../support/operations.ts';
import { addressOf } from '../support/postgres/round-trip.ts';
import { sharedCluster } from '../support/postgres/shared-cluster.ts';
import { createBucket } from '../support/s3/bucket.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { createTestPorts } from '../support/test-ports.ts';

const cluster = sharedCluster();

test('a restore out of a bucket by one job has rows in the database while the rest is still to come', async () => {
  const { ports } = createTestPorts({ temporaryFolder: await temporaryFolder() });
  await cluster().sql('postgres', 'CREATE DATABASE source');
  // Two tables of what no compressor makes small: the first is there before the second has begun to come.
  await cluster().sql(
    'source',
    `CREATE TABLE a_first AS SELECT n, md5(random()::text) AS text FROM generate_series(1, 100000) n;
     CREATE TABLE z_last AS SELECT n, md5(random()::text) AS text FROM generate_series(1, 300000) n;`,
  );
  await using storage = (await createBucket()).open();
  const engine = await ports.engineByName('postgres');
  const request = { ...backupRequest('', storage, ports), engine, address: addressOf(cluster(), 'source') };
  const { manifest } = await backup(request, ports);

  const { held, release, isHeld } = holdingBack(storage, 0.6);
  const found = await findBackup(held, { name: manifest.id }, ports, { signal: patient });
  const restored = restore(
    {
      subject: await openStored({ storage: held, backup: found }, ports),
      destination: addressOf(cluster(), 'again'),
      replace: false,
      allowOpen: false,
      checks: [],
      options: { jobs: 1 },
      signal: patient,
    },
    ports,
  );
  await expect.poll(isHeld, { timeout: 30_000 }).toBe(true);
  await expect.poll(rowsOfFirst, { timeout: 30_000 }).toBe('100000');
  release();
  await restored;
  expect(await cluster().sql('again', 'SELECT count(*) FROM z_last')).toBe('300000');
});

/** In the database beside the one that will be there in the end; rows show before their COPY is over to nobody else. */
async function rowsOfFirst(): Promise<string> {
  const known = new Set(['postgres', 'template0', 'template1', 'source']);
  const names = (await cluster().sql('postgres', 'SELECT datname FROM pg_database')).split('\n');
  const side = names.find((name) => !known.has(name));
  if (side === undefined) return 'no database';
  return cluster()
    .sql(side, 'SELECT count(*) FROM a_first')
    .catch(() => 'no table');
}

/** A storage that gives the first share of the archive, and the rest when it is told to. */
function holdingBack(
  storage: Storage,
  share: number,
): { readonly held: Storage; readonly release: () => void; readonly isHeld: () => boolean } {
  const gate = Promise.withResolvers<void>();
  let held = false;
  const slowly = async function* (source: Readable, bytes: number): AsyncGenerator<Buffer> {
    let given = 0;
    for await (const chunk of source as AsyncIterable<Buffer>) {
      if (given + chunk.length > bytes * share && !held) {
        held = true;
        await gate.promise;
      }
      given += chunk.length;
      yield chunk;
    }
  };
  return {
    release: gate.resolve,
    isHeld: () => held,
    held: {
      ...storage,
      get: async (key, options) => {
        const stream = await storage.get(key, options);
        if (!key.includes('db.dump')) return stream;
        const info = await storage.stat(key, options);
        return Readable.from(slowly(stream, info?.bytes ?? 0), { objectMode: false });
      },
    },
  };
}
