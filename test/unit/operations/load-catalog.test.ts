import { describe, expect, test } from 'vitest';
import { parseTargetName } from '../../../src/core/ids.ts';
import { serializeManifest } from '../../../src/core/manifest.ts';
import type { Lease } from '../../../src/core/ports/lock.ts';
import type { Storage } from '../../../src/core/ports/storage.ts';
import { clearInherited } from '../../../src/operations/clear-inherited.ts';
import { loadCatalog } from '../../../src/operations/load-catalog.ts';
import { createMemoryStorage } from '../../../src/storage/memory/memory-storage.ts';
import { bodyOf, key, keysOf, patient } from '../../support/bodies.ts';
import { aManifest } from '../../support/manifests.ts';

const { id, target } = aManifest();
const prefix = `${target}/${id}`;

async function storageOf(files: Readonly<Record<string, string | Buffer>>): Promise<Storage> {
  const storage = createMemoryStorage();
  for (const [name, content] of Object.entries(files)) await storage.put(key(name), bodyOf(content), patient);
  return storage;
}

const lockNaming = (...work: string[]): string => JSON.stringify({ work });

describe('a folder without a manifest', () => {
  const lost = [['SHA256SUMS'], ['pin.json'], ['verify.20261120T020000Z-4f7a2c1e.restore.ok.json']];

  test.each(lost)('and with %s has lost it: it is broken', async (name) => {
    const storage = await storageOf({ [`${prefix}/app.db.zst`]: 'x', [`${prefix}/${name}`]: 'x' });
    const { broken, litter } = await loadCatalog(storage, patient);
    expect(broken).toMatchObject([{ prefix, reason: 'its manifest is missing', unread: undefined }]);
    expect(litter).toEqual([]);
  });

  test.each(lost)('and with %s is litter while the lock names it', async (name) => {
    const storage = await storageOf({ [`${prefix}/${name}`]: 'x', 'app/lock.json': lockNaming(id) });
    expect(await loadCatalog(storage, patient)).toMatchObject({ broken: [], litter: [{ prefix }] });
  });

  test.each([lockNaming('20261120T020000Z-00000000'), '', 'no json'])('is broken beside the lock %j', async (lock) => {
    const storage = await storageOf({ [`${prefix}/SHA256SUMS`]: 'x', 'app/lock.json': lock });
    expect(await loadCatalog(storage, patient)).toMatchObject({ broken: [{ prefix }], litter: [] });
  });

  test('and with parts alone is litter', async () => {
    const storage = await storageOf({ [`${prefix}/app.db.zst`]: 'x' });
    expect(await loadCatalog(storage, patient)).toMatchObject({ broken: [], litter: [{ prefix }] });
  });

  test('is what it is after the run that was at work on it has ended', async () => {
    const manifest = serializeManifest(aManifest());
    for (const end of ['published', 'removed']) {
      const inner = await storageOf({ [`${prefix}/SHA256SUMS`]: 'x' });
      const get: Storage['get'] = async (name, options) => {
        if (name.endsWith('lock.json')) {
          if (end === 'removed') await inner.remove(key(`${prefix}/SHA256SUMS`), options);
          else await inner.put(key(`${prefix}/manifest.json`), bodyOf(manifest), options);
        }
        return inner.get(name, options);
      };
      const { backups, broken } = await loadCatalog({ ...inner, get }, patient);
      expect([backups.length, broken.length]).toEqual([end === 'published' ? 1 : 0, 0]);
    }
  });
});

describe('clearing what a killed run left', () => {
  const clear = async (files: Readonly<Record<string, string>>, inherited: readonly string[]): Promise<string[]> => {
    const storage = await storageOf(files);
    const lease = { inherited, settle: () => undefined } as unknown as Lease;
    await clearInherited(storage, parseTargetName('app'), lease, await loadCatalog(storage, patient), patient);
    return keysOf(storage);
  };
  const half = { [`${prefix}/app.db.zst`]: 'x', [`${prefix}/SHA256SUMS`]: 'x', [`${prefix}/manifest.json`]: '' };

  test('an empty manifest that the lock named is unfinished', async () => {
    expect(await clear(half, [id])).toEqual([]);
  });

  test('an empty manifest that no lock named is damage, and stays', async () => {
    expect(await clear(half, [])).toEqual(Object.keys(half).toSorted());
  });

  test('a manifest that is damaged otherwise stays, although the lock named it', async () => {
    const files = { ...half, [`${prefix}/manifest.json`]: '{' };
    expect(await clear(files, [id])).toEqual(Object.keys(files).toSorted());
  });
});
