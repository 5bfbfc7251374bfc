import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Backup } from '../../src/core/catalog.ts';
import { DbopsError } from '../../src/core/errors.ts';
import { keyIn } from '../../src/core/ids.ts';
import { MANIFEST_NAME } from '../../src/core/manifest.ts';
import type { Check, Engine } from '../../src/core/ports/engine.ts';
import type { Storage } from '../../src/core/ports/storage.ts';
import { passed, type Verification } from '../../src/core/records.ts';
import { backup } from '../../src/operations/backup.ts';
import { loadCatalog } from '../../src/operations/load-catalog.ts';
import type { Ports } from '../../src/operations/ports.ts';
import { prune } from '../../src/operations/prune.ts';
import { openStored } from '../../src/operations/restorable.ts';
import { setPin } from '../../src/operations/set-pin.ts';
import { verify } from '../../src/operations/verify.ts';
import { createMemoryStorage } from '../../src/storage/memory/memory-storage.ts';
import { keysOf } from '../support/bodies.ts';
import { app, backupRequest, patient } from '../support/operations.ts';
import { makeDatabase } from '../support/small-database.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { createTestPorts } from '../support/test-ports.ts';

interface Scene {
  readonly storage: Storage;
  readonly ports: Ports;
  readonly made: Backup;
}

async function scene(): Promise<Scene> {
  const folder = await temporaryFolder();
  const source = makeDatabase(join(folder, 'app.db'), { mark: 'm' });
  const { ports } = createTestPorts({ temporaryFolder: folder });
  const storage = createMemoryStorage();
  await backup(backupRequest(source, storage, ports), ports);
  return { storage, ports, made: await onlyBackup(storage) };
}

async function onlyBackup(storage: Storage): Promise<Backup> {
  const [made] = (await loadCatalog(storage, { signal: patient })).backups;
  if (made === undefined) throw new Error('there is no backup');
  return made;
}

interface Proof {
  readonly checks?: readonly Check[];
  readonly stage?: Engine['stage'];
}

async function prove({ storage, ports, made }: Scene, { checks = [], stage }: Proof = {}): Promise<Verification> {
  const subject = await openStored({ storage, backup: made }, ports);
  const engine = stage === undefined ? subject.engine : { ...subject.engine, stage };
  const request = { level: 'restore', checks, scratchParent: undefined, signal: patient } as const;
  return verify({ ...request, subject: { ...subject, engine } }, ports);
}

const recordsIn = async (storage: Storage): Promise<string[]> =>
  (await keysOf(storage)).filter((name) => name.includes('/verify.'));

describe('what says nothing of the backup', () => {
  test.each(['TOOL_FAILED', 'SOURCE_REFUSED', 'TOOL_MISSING'] as const)(
    '%s is no finding, and leaves no record',
    async (code) => {
      const place = await scene();
      const failed = new DbopsError(code, 'the machine is at fault');
      await expect(prove(place, { stage: () => Promise.reject(failed) })).rejects.toBe(failed);
      expect(await recordsIn(place.storage)).toEqual([]);
    },
  );

  test('DAMAGED is one, and makes the backup bad', async () => {
    const place = await scene();
    const record = await prove(place, { stage: () => Promise.reject(new DbopsError('DAMAGED', 'it is broken')) });
    expect(record).toMatchObject({ ok: false, problems: ['it is broken'] });
    expect((await onlyBackup(place.storage)).good).toBe(false);
  });

  test('a check that cannot run fails the verification, and leaves the backup good', async () => {
    const place = await scene();
    const record = await prove(place, { checks: [{ name: 'newer', sql: 'SELECT * FROM invoices' }] });
    expect(record).toMatchObject({ ok: true, problems: [] });
    expect(record.checks).toEqual([
      { name: 'newer', ok: false, rows: 0, error: expect.stringContaining('invoices') as string },
    ]);
    expect(passed(record)).toBe(false);
    expect((await onlyBackup(place.storage)).good).toBe(true);
  });

  test('a check that returns rows makes the backup bad', async () => {
    const place = await scene();
    const record = await prove(place, { checks: [{ name: 'none', sql: 'SELECT * FROM notes' }] });
    expect(record).toMatchObject({ ok: false, problems: [expect.stringContaining('"none" returned 20 rows')] });
    expect((await onlyBackup(place.storage)).good).toBe(false);
  });
});

describe('a backup that prune removed meanwhile', () => {
  const gone = { code: 'NOTHING_MATCHES', message: expect.stringContaining('removed meanwhile') as string };
  const wipe = async (storage: Storage): Promise<void> => {
    for (const name of await keysOf(storage)) await storage.remove(keyIn('', name), { signal: patient });
  };

  test('cannot be pinned, and is not brought back as a folder with a pin', async () => {
    const { storage, ports, made } = await scene();
    await wipe(storage);
    await expect(setPin(storage, made, true, ports, patient)).rejects.toMatchObject(gone);
    expect(await keysOf(storage)).toEqual([]);
  });

  test('gets no record when it went before the record was written', async () => {
    const place = await scene();
    const stage: Engine['stage'] = async () => {
      await wipe(place.storage);
      throw new DbopsError('DAMAGED', 'what was read is not what was stored');
    };
    await expect(prove(place, { stage })).rejects.toMatchObject(gone);
    expect(await keysOf(place.storage)).toEqual([]);
  });

  test('keeps no record when it went while the record was written', async () => {
    const place = await scene();
    const put: Storage['put'] = async (key, body, options) => {
      await wipe(place.storage);
      await place.storage.put(key, body, options);
    };
    await expect(prove({ ...place, storage: { ...place.storage, put } })).rejects.toMatchObject(gone);
    expect(await keysOf(place.storage)).toEqual([]);
  });

  test('takes along a record that came after prune had listed it', async () => {
    const { storage, ports, made } = await scene();
    await backup({ ...backupRequest(made.manifest.source.database, storage, ports) }, ports);
    const manifest = keyIn(made.prefix, MANIFEST_NAME);
    const late = keyIn(made.prefix, 'verify.20261120T020000Z-4f7a2c1e.restore.ok.json');
    const remove: Storage['remove'] = async (key, options) => {
      if (key === manifest) await storage.put(late, await storage.get(manifest, options), options);
      await storage.remove(key, options);
    };
    const policy = { classes: { daily: '0s' } };
    const later = { ...ports, clock: { ...ports.clock, now: () => new Date(Date.now() + 60_000) } };
    await prune({ target: app, policy, storage: { ...storage, remove }, lockWaitMs: 0, signal: patient }, later);
    expect((await keysOf(storage)).filter((name) => name.startsWith(made.prefix))).toEqual([]);
  });
});
