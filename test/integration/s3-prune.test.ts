import { join } from 'node:path';
import { CreateMultipartUploadCommand } from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import type { Clock } from '../../src/core/ports/clock.ts';
import type { Storage } from '../../src/core/ports/storage.ts';
import { backup } from '../../src/operations/backup.ts';
import type { Ports } from '../../src/operations/ports.ts';
import { planPrune, prune, type PruneRequest } from '../../src/operations/prune.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { bodyOf, key, keysOf } from '../support/bodies.ts';
import { app, backupRequest, patient } from '../support/operations.ts';
import { createBucket, type TestBucket } from '../support/s3/bucket.ts';
import { startFaultyStore } from '../support/s3/proxy.ts';
import { answer } from '../support/s3/scene.ts';
import { makeDatabase } from '../support/small-database.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { createTestPorts, type TestPorts } from '../support/test-ports.ts';

const hourMs = 3_600_000;

/** The real clock, so many hours ahead. */
function ahead(hours: number): Clock {
  return { ...systemClock, now: () => new Date(systemClock.now().getTime() + hours * hourMs) };
}

interface Scene {
  readonly bucket: TestBucket;
  readonly storage: Storage;
  readonly request: PruneRequest;
  portsAt(hours: number): TestPorts;
}

/** Two backups; the rules keep the newer one. */
async function openScene(lockedFor: Date | 'forever' | undefined): Promise<Scene> {
  const bucket = await createBucket({ lock: true });
  const storage = bucket.open({ settings: { lock: 'retention' } });
  const folder = await temporaryFolder();
  const source = join(folder, 'app.db');
  makeDatabase(source, { mark: 'first' });
  const portsAt = (hours: number): TestPorts => createTestPorts({ temporaryFolder: folder, clock: ahead(hours) });
  const { ports } = portsAt(0);
  const lock = lockedFor === undefined ? {} : { lockUntil: lockedFor };
  await backup({ ...backupRequest(source, storage, ports), storages: [{ storage, ...lock }] }, ports);
  await backup(backupRequest(source, storage, ports), ports);
  const request = { target: app, policy: { classes: {}, last: 1 }, storage, lockWaitMs: 0, signal: patient };
  return { bucket, storage, request, portsAt };
}

async function decided(request: PruneRequest, ports: Ports): Promise<string[]> {
  const { verdicts } = await planPrune(request, ports);
  return verdicts.map(({ keep, reasons }) => `${keep ? 'keep' : 'remove'}: ${reasons[0]}`);
}

test('a backup that is locked stays whole and says until when, and goes when that has passed', async () => {
  const until = new Date(Math.ceil(Date.now() / 1000) * 1000 + 48 * hourMs);
  const { storage, request, portsAt } = await openScene(until);
  const before = await keysOf(storage);
  await prune(request, portsAt(1).ports);
  expect(await keysOf(storage)).toEqual(before);
  expect(await decided(request, portsAt(1).ports)).toEqual([
    'keep: newest good backup',
    `keep: locked until ${until.toISOString()}`,
  ]);
  expect(await decided(request, portsAt(49).ports)).toEqual(['keep: newest good backup', 'remove: no rule keeps it']);
});

test('a backup that is held stays for ever', async () => {
  const { request, portsAt } = await openScene('forever');
  expect((await decided(request, portsAt(99_999).ports)).at(-1)).toBe('keep: locked until somebody lifts it');
});

test('an upload that nobody ended is shown and taken back once it is a day old', async () => {
  const { bucket, storage, request, portsAt } = await openScene(undefined);
  const Key = 'app/20260101T000000Z-00000000/app.db.zst';
  await bucket.client.send(new CreateMultipartUploadCommand({ Bucket: bucket.name, Key }));
  await bucket.client.send(new CreateMultipartUploadCommand({ Bucket: bucket.name, Key: 'other/x' }));
  const found = async (hours: number): Promise<string[]> =>
    (await planPrune(request, portsAt(hours).ports)).unfinished.map(({ key }) => key);
  expect([await found(23), await found(25)]).toEqual([[], [Key]]);
  await prune(request, portsAt(23).ports);
  expect(await bucket.leftovers()).toContain(`${Key} (unfinished)`);
  const { ports, events } = portsAt(25);
  await prune(request, ports);
  expect(events).toContainEqual({ type: 'prune.removed', target: app, name: Key, bytes: 0 });
  const uploads = (await bucket.leftovers()).filter((name) => name.endsWith('(unfinished)'));
  expect(uploads).toEqual(['other/x (unfinished)']);
  expect((await keysOf(storage)).filter((key) => key.endsWith('manifest.json'))).toHaveLength(1);
});

test('who may not see unfinished uploads is warned, and prunes', async () => {
  const { bucket, request, portsAt } = await openScene(undefined);
  const denied = await startFaultyStore(bucket.access, [
    { kind: 'uploads', times: Infinity, blow: answer(403, 'AccessDenied') },
  ]);
  const { ports, events } = portsAt(1);
  const storage = bucket.open({ endpoint: denied.endpoint });
  const { verdicts } = await prune({ ...request, storage }, ports);
  expect(verdicts.filter(({ keep }) => !keep)).toHaveLength(1);
  expect(events).toContainEqual(
    expect.objectContaining({ type: 'warning', message: expect.stringContaining('unfinished uploads stay') }),
  );
});

test('the next backup takes back the uploads of a run that died, and no others', async () => {
  const bucket = await createBucket();
  const storage = bucket.open();
  const folder = await temporaryFolder();
  const source = join(folder, 'app.db');
  makeDatabase(source, { mark: 'first' });
  const [died, lives] = ['20260101T000000Z-00000000', '20260101T000000Z-11111111'];
  for (const id of [died, lives]) {
    const Key = `app/${id}/app.db.zst`;
    await bucket.client.send(new CreateMultipartUploadCommand({ Bucket: bucket.name, Key }));
  }
  const [owner, time] = [{ pid: 1, start: '1', scope: 'x', host: 'x' }, '2026-01-01T00:00:00.000Z'];
  const lock = {
    nonce: '0'.repeat(32),
    owner,
    purpose: 'backup',
    since: time,
    renewedAt: time,
    work: [died],
    released: true,
  };
  await storage.put(key('app/lock.json'), bodyOf(JSON.stringify(lock)), { signal: patient });
  const { ports } = createTestPorts({ temporaryFolder: folder });
  await backup(backupRequest(source, storage, ports), ports);
  const left = (await bucket.leftovers()).filter((name) => name.endsWith('(unfinished)'));
  expect(left).toEqual([`app/${lives}/app.db.zst (unfinished)`]);
});
