import { existsSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import type { Catalog } from '../../../../src/core/catalog.ts';
import type { Storage } from '../../../../src/core/ports/storage.ts';
import { serializeRecord } from '../../../../src/core/records.ts';
import { checkStored } from '../../../../src/operations/check-stored.ts';
import { loadCatalog } from '../../../../src/operations/load-catalog.ts';
import { openPrivateFolder } from '../../../../src/platform/private-folder.ts';
import { createMemoryStorage } from '../../../../src/storage/memory/memory-storage.ts';
import { withCache } from '../../../../src/storage/wrap/cached.ts';
import { bodyOf, key, keysOf, noise, patient } from '../../../support/bodies.ts';
import { withRevisions, type CountingStorage } from '../../../support/counting-storage.ts';
import { putBackup } from '../../../support/made-backup.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

const ids = Array.from({ length: 6 }, (_, day) => `202611${String(day + 10)}T020000Z-00000001`);
const [first = ''] = ids;

interface Place extends CountingStorage {
  readonly folder: string;
  /** As another run of the program sees it. */
  readonly list: (storage?: Storage) => Promise<Catalog>;
}

/** A storage of six backups, the first one pinned, and a cache that has seen it. */
async function place(): Promise<Place> {
  const counting = withRevisions(createMemoryStorage());
  for (const id of ids) await putBackup(counting.storage, { id, parts: { 'app.db': noise(10) } });
  await pin(counting.storage, true);
  const folder = join(await temporaryFolder(), 'dbops/cache');
  const list: Place['list'] = (storage = counting.storage) =>
    loadCatalog(withCache(storage, openPrivateFolder(folder)), patient);
  await list();
  counting.calls();
  return { ...counting, folder, list };
}

function pin(storage: Storage, pinned: boolean): Promise<void> {
  const record = serializeRecord({ formatVersion: 1, pinned, at: '2026-11-20T02:00:00.000Z' });
  return storage.put(key(`app/${first}/pin.json`), bodyOf(record), patient);
}

describe('a listing that was made before', () => {
  test('costs one request, and says the same', async () => {
    const { storage, calls, list } = await place();
    const cached = await list();
    expect(calls()).toEqual(['list ']);
    expect(cached).toEqual(await loadCatalog(storage, patient));
    expect(cached.backups).toHaveLength(6);
  });

  test('asks for what is new, and for nothing else', async () => {
    const { storage, calls, list } = await place();
    await putBackup(storage, { id: '20261201T020000Z-00000001', parts: { 'app.db': noise(10) } });
    calls();
    expect((await list()).backups).toHaveLength(7);
    expect(calls()).toEqual(['list ', 'get app/20261201T020000Z-00000001/manifest.json']);
  });

  test('sees a pin that was lifted, and a manifest that was replaced', async () => {
    const { storage, list } = await place();
    expect((await list()).backups[0]?.pinned).toBe(true);
    await pin(storage, false);
    await putBackup(storage, { id: ids[1] ?? '', parts: { 'app.db': noise(10) }, change: { class: 'weekly' } });
    const { backups } = await list();
    expect([backups[0]?.pinned, backups[1]?.manifest.class]).toEqual([false, 'weekly']);
  });

  test('is followed by a verification that reads the storage itself', async () => {
    const { storage, calls, folder, list } = await place();
    const [backup] = (await list()).backups;
    if (backup === undefined) throw new Error('no backup');
    calls();
    await checkStored({ storage: withCache(storage, openPrivateFolder(folder)), backup }, patient);
    expect(calls()).toEqual(expect.arrayContaining([`get app/${first}/manifest.json`, `get app/${first}/pin.json`]));
  });
});

describe('what is wrong with the cache is as if it were empty', () => {
  const damages: readonly (readonly [what: string, damage: (file: string) => void])[] = [
    ['an empty file', (file) => writeFileSync(file, '')],
    ['a cut one', (file) => truncateSync(file, 900)],
    ['a longer one', (file) => writeFileSync(file, '\n', { flag: 'a' })],
    ['one that no cache wrote', (file) => writeFileSync(file, noise(5_000))],
    ['a huge one', (file) => truncateSync(file, 1 << 30)],
    ["another object's", (file) => writeFileSync(file, readFileSync(file.replace('20261110', '20261111')))],
    ['a folder', (file) => (rmSync(file), openPrivateFolder(join(file, 'x')).write('y', noise(1)))],
  ];
  test.each(damages)('%s', async (_, damage) => {
    const { storage, calls, folder, list } = await place();
    damage(join(folder, `app~${first}~manifest.json`));
    expect(await list()).toEqual(await loadCatalog(storage, patient));
    expect(calls().slice(0, 2)).toEqual(['list ', `get app/${first}/manifest.json`]);
  });

  test('any flipped bit', async () => {
    const { storage, folder, list } = await place();
    const file = join(folder, `app~${first}~manifest.json`);
    const entry = readFileSync(file);
    const expected = await loadCatalog(storage, patient);
    for (let at = 0; at < entry.length; at += 5) {
      const flipped = Buffer.from(entry);
      flipped[at] = (flipped[at] ?? 0) ^ 1;
      writeFileSync(file, flipped);
      expect(await list(), `byte ${at}`).toEqual(expected);
    }
  });

  test('the whole folder gone, between two listings or during one', async () => {
    const { storage, folder, list } = await place();
    rmSync(folder, { recursive: true });
    expect((await list()).backups).toHaveLength(6);
    const cached = withCache(storage, openPrivateFolder(folder));
    expect((await loadCatalog(cached, patient)).backups).toHaveLength(6);
    rmSync(folder, { recursive: true });
    expect((await loadCatalog(cached, patient)).backups).toHaveLength(6);
  });
});

test('nothing is answered once the signal is aborted', async () => {
  const { storage, folder } = await place();
  const cached = withCache(storage, openPrivateFolder(folder));
  const listed = await storage.stat(key(`app/${first}/manifest.json`), patient);
  if (listed === undefined) throw new Error('no manifest');
  const reason = new Error('stopped by hand');
  const get = cached.get(listed.key, { signal: AbortSignal.abort(reason), listed });
  await expect(get).rejects.toBe(reason);
});

describe('what is kept', () => {
  test('not what was replaced between the listing and the reading, when the old one is back', async () => {
    const { storage, folder, list } = await place();
    rmSync(folder, { recursive: true });
    await pin(storage, false);
    const get: Storage['get'] = async (name, options) => {
      if (name.endsWith('pin.json')) await pin(storage, true);
      return storage.get(name, options);
    };
    expect((await list({ ...storage, get })).backups[0]?.pinned).toBe(true);
    await pin(storage, false);
    expect((await list()).backups[0]?.pinned).toBe(false);
  });

  test('only what was read to its end as it was written: wrong bytes are asked for again', async () => {
    const { storage, folder, list } = await place();
    rmSync(folder, { recursive: true });
    const wrong = (change: (stream: Readable) => Promise<Readable>): Storage => ({
      ...storage,
      get: async (name, options) => change(await storage.get(name, options)),
    });
    const flipping = wrong(async (stream) => {
      const bytes = (await stream.toArray()).at(0) as Buffer;
      return Readable.from([Buffer.from(bytes).fill(0, 40, 41)], { objectMode: false });
    });
    expect((await list(flipping)).broken).toHaveLength(6);
    expect((await list()).backups).toHaveLength(6);
    rmSync(folder, { recursive: true });
    const cutting = wrong(async (stream) => {
      const bytes = (await stream.toArray()).at(0) as Buffer;
      return Readable.from([bytes.subarray(0, 100)], { objectMode: false });
    });
    await list(cutting);
    expect((await list()).backups).toHaveLength(6);
  });

  test('nothing of a storage that gives no revisions', async () => {
    const storage = createMemoryStorage();
    await putBackup(storage, { id: first, parts: { 'app.db': noise(10) } });
    const folder = join(await temporaryFolder(), 'dbops/cache');
    const cached = withCache(storage, openPrivateFolder(folder));
    expect((await loadCatalog(cached, patient)).backups).toHaveLength(1);
    expect(existsSync(folder)).toBe(false);
  });

  test('nothing larger than a megabyte', async () => {
    const { storage, folder, list } = await place();
    const tables = [{ name: 'x'.repeat(1_100_000), rows: 1 }];
    const facts = { schema: 'c'.repeat(64), tables, properties: {} };
    await putBackup(storage, { id: '20261201T020000Z-00000001', parts: { 'app.db': noise(10) }, change: { facts } });
    expect((await list()).backups).toHaveLength(7);
    expect(readdirSync(folder).filter((name) => name.includes('20261201'))).toEqual([]);
  });

  test('what is removed through it goes at once, and what others removed with the next whole listing', async () => {
    const { storage, folder, list } = await place();
    const cached = withCache(storage, openPrivateFolder(folder));
    await cached.remove(key(`app/${first}/pin.json`), patient);
    expect(readdirSync(folder)).toHaveLength(6);
    await storage.remove(key(`app/${first}/manifest.json`), patient);
    await keysOf(cached, `app/${first}`);
    await keysOf(cached, 'queue');
    expect(readdirSync(folder)).toHaveLength(6);
    await list();
    expect(readdirSync(folder)).toHaveLength(5);
    for await (const _ of cached.list('', patient)) break;
    expect(readdirSync(folder), 'after a listing that was left early').toHaveLength(5);
  });
});
