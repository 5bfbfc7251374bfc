import { rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import type { Storage } from '../../src/core/ports/storage.ts';
import { backup } from '../../src/operations/backup.ts';
import { checkStored } from '../../src/operations/check-stored.ts';
import { copy, type CopyReport, type CopyRequest } from '../../src/operations/copy.ts';
import { loadCatalog } from '../../src/operations/load-catalog.ts';
import { findBackup, openStored } from '../../src/operations/restorable.ts';
import { restore } from '../../src/operations/restore.ts';
import { systemClock, systemRandom } from '../../src/platform/clock.ts';
import { createLock } from '../../src/storage/lease.ts';
import { createLocalStorage } from '../../src/storage/local/local-storage.ts';
import { createMemoryStorage } from '../../src/storage/memory/memory-storage.ts';
import { bodyOf, bytesOf, contentOf, key, keysOf, noise, patient } from '../support/bodies.ts';
import { putBackup } from '../support/made-backup.ts';
import { app, backupRequest } from '../support/operations.ts';
import { makeDatabase, readDatabase } from '../support/small-database.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { createTestPorts, frozenClock } from '../support/test-ports.ts';

const { ports, events } = createTestPorts({ temporaryFolder: tmpdir() });
const [first, second] = ['20261118T020000Z-00000001', '20261119T020000Z-00000002'];
const parts = { 'db/toc.dat': noise(2_000, 1), 'db/1.dat': noise(200_000, 2) };

test('copied backups of SQLite restore although the storage they came from is gone', async () => {
  const folder = await temporaryFolder();
  const database = makeDatabase(join(folder, 'app.db'), { mark: 'backed-up' });
  for (const time of ['2026-01-01T02:00:00Z', '2026-01-02T02:00:00Z']) {
    await using storage = createLocalStorage(join(folder, 'from'));
    const then = { ...ports, clock: frozenClock(time) };
    await backup(backupRequest(database, storage, then), then);
  }
  await using to = createLocalStorage(join(folder, 'to'));
  expect(typesOf(await copyTo(to, createLocalStorage(join(folder, 'from'))))).toEqual(['copied', 'copied']);
  rmSync(join(folder, 'from'), { recursive: true });
  const found = await findBackup(to, { name: 'latest' }, ports, patient);
  expect(found.manifest.startedAt).toBe('2026-01-02T02:00:00.000Z');
  const subject = await openStored({ storage: to, backup: found }, ports);
  const destination = { location: join(folder, 'new.db'), lockTimeoutMs: 5_000 };
  await restore({ subject, destination, replace: false, allowOpen: false, checks: [], ...patient }, ports);
  expect(readDatabase(join(folder, 'new.db'))).toBe('backed-up:20');
});

test('manifest, sums and pin come byte for byte, and records of verifications stay where they were made', async () => {
  const [from, to] = await twoStorages();
  await from.put(key(`app/${first}/verify.20261120T020000Z-4f7a2c1e.restore.ok.json`), bodyOf('x'), patient);
  await copyTo(to, from);
  const names = ['SHA256SUMS', 'db/1.dat', 'db/toc.dat', 'manifest.json', 'pin.json'];
  expect(await keysOf(to, `app/${first}`)).toEqual(names.map((name) => `app/${first}/${name}`));
  for (const name of await keysOf(to)) expect(await contentOf(to, name), name).toBe(await contentOf(from, name));
});

test('of an encrypted backup the file that describes its content comes along, checked like any part', async () => {
  const from = createMemoryStorage();
  const to = createMemoryStorage();
  for (const id of [first ?? '', second ?? '']) await putBackup(from, { id, parts, details: noise(700) });
  await from.put(key(`app/${second}/details.json.age`), bodyOf(noise(700, 7)), patient);
  const report = await copyTo(to, from);
  expect(report.outcomes).toMatchObject([{ type: 'copied' }, { type: 'failed', error: { code: 'DAMAGED' } }]);
  const [backup] = (await loadCatalog(to, patient)).backups;
  if (backup === undefined) throw new Error('nothing was copied');
  expect(await checkStored({ storage: to, backup }, patient)).toMatchObject({ problems: [], warnings: [] });
  expect(await keysOf(to, `app/${second}`)).toEqual([]);
});

test('a pin that cannot be read protects at the destination too', async () => {
  const [from, to] = await twoStorages();
  await from.put(key(`app/${first}/pin.json`), bodyOf('{'), patient);
  await copyTo(to, from);
  const { backups } = await loadCatalog(to, patient);
  expect(backups.find(({ manifest }) => manifest.id === first)?.pinned).toBe(true);
  expect(await contentOf(to, `app/${first}/pin.json`)).toContain('"pinned": true');
});

describe('what is not as it was at the source', () => {
  test.each([
    ['a flipped byte in a part', 'db/1.dat'],
    ['a cut part', 'db/toc.dat'],
    ['other sums', 'SHA256SUMS'],
  ])('%s is found on the way: nothing of that backup stays, and the others are copied', async (what, name) => {
    const [from, to] = await twoStorages();
    const bytes = await bytesOf(await from.get(key(`app/${first}/${name}`), patient));
    if (what.startsWith('a cut')) await from.put(key(`app/${first}/${name}`), bodyOf(bytes.subarray(1)), patient);
    else await from.put(key(`app/${first}/${name}`), bodyOf(bytes.fill(bytes[7] === 0 ? 1 : 0, 7, 8)), patient);
    const report = await copyTo(to, from);
    expect(typesOf(report)).toEqual(['failed', 'copied']);
    expect(report.outcomes[0]).toMatchObject({ error: { code: 'DAMAGED' } });
    expect((await keysOf(to)).filter((found) => !found.startsWith(`app/${second}/`))).toEqual([]);
  });

  test('a part that is missing while its manifest is there is damage', async () => {
    const [from, to] = await twoStorages();
    await from.remove(key(`app/${first}/db/1.dat`), patient);
    expect((await copyTo(to, from)).outcomes[0]).toMatchObject({ type: 'failed', error: { code: 'DAMAGED' } });
  });

  test('a manifest that was replaced since it was listed is not copied', async () => {
    const [from, to] = await twoStorages();
    const source = await loadCatalog(from, patient);
    await putBackup(from, { id: first ?? '', parts, change: { class: 'daily' } });
    expect((await copyTo(to, from, { source })).outcomes[0]).toMatchObject({ error: { code: 'DAMAGED' } });
  });

  test('a backup that is removed while it is copied is no failure, and leaves nothing', async () => {
    const [from, to] = await twoStorages();
    const get: Storage['get'] = async (name, options) => {
      if (name.endsWith('db/1.dat'))
        for (const gone of await keysOf(from, `app/${first}`)) await from.remove(key(gone), patient);
      return from.get(name, options);
    };
    expect(typesOf(await copyTo(to, { ...from, get }))).toEqual(['vanished', 'copied']);
    expect((await keysOf(to)).filter((found) => !found.startsWith(`app/${second}/`))).toEqual([]);
  });
});

describe('what is there already', () => {
  test('parts that are right are not fetched again, and those that are wrong are replaced', async () => {
    const [from, to] = await twoStorages();
    await to.put(key(`app/${first}/db/toc.dat`), bodyOf(parts['db/toc.dat']), patient);
    await to.put(key(`app/${first}/db/1.dat`), bodyOf(noise(200_000, 9)), patient);
    const fetched: string[] = [];
    const get: Storage['get'] = (name, options) => {
      fetched.push(name);
      return from.get(name, options);
    };
    expect(typesOf(await copyTo(to, { ...from, get }))).toEqual(['copied', 'copied']);
    expect(fetched).not.toContain(`app/${first}/db/toc.dat`);
    expect(fetched).toContain(`app/${first}/db/1.dat`);
    expect((await bytesOf(await to.get(key(`app/${first}/db/1.dat`), patient))).equals(parts['db/1.dat'])).toBe(true);
  });

  test('another backup under the same name is never overwritten', async () => {
    const [from, to] = await twoStorages();
    await putBackup(to, { id: first ?? '', parts: { 'db/1.dat': noise(10) } });
    const before = await contentOf(to, `app/${first}/manifest.json`);
    const report = await copyTo(to, from);
    expect(report.plan.refused).toMatchObject([{ prefix: `app/${first}`, error: { code: 'REFUSED' } }]);
    expect(typesOf(report)).toEqual(['copied']);
    expect(await contentOf(to, `app/${first}/manifest.json`)).toBe(before);
    expect((await bytesOf(await to.get(key(`app/${first}/db/1.dat`), patient))).length).toBe(10);
  });

  test('a copy with nothing to do minds no lock, and touches nothing', async () => {
    const [from, to] = await twoStorages();
    await copyTo(to, from);
    const put: Storage['put'] = () => Promise.reject(new Error('must not write'));
    expect(await copyTo({ ...to, put }, from)).toMatchObject({ outcomes: [], plan: { present: [{}, {}] } });
    await using _ = await lockOf(to);
    const before = await contentOf(to, 'app/lock.json');
    expect(await copyTo(to, from)).toMatchObject({ outcomes: [], plan: { present: [{}, {}] } });
    expect(await contentOf(to, 'app/lock.json')).toBe(before);
  });
});

describe('the destination', () => {
  test('a lock that was lost in the middle publishes nothing more', async () => {
    const [from, to] = await twoStorages();
    const put: Storage['put'] = async (name, body, options) => {
      await to.put(name, body, options);
      if (!name.endsWith('SHA256SUMS')) return;
      const lock = JSON.parse(await contentOf(to, 'app/lock.json')) as object;
      await to.put(key('app/lock.json'), bodyOf(JSON.stringify({ ...lock, nonce: 'f'.repeat(32) })), patient);
    };
    await expect(copyTo({ ...to, put }, from)).rejects.toMatchObject({ code: 'LOCKED' });
    expect((await keysOf(to)).filter((name) => name.endsWith('manifest.json'))).toEqual([]);
  });

  test('is told until when to lock what surely stays so long, but not its pin', async () => {
    const [from, to] = await twoStorages();
    const locks: Record<string, unknown> = {};
    const put: Storage['put'] = (name, body, options) => {
      if (name.startsWith(`app/${first}`)) locks[name.slice(`app/${first}/`.length)] = options.lockUntil;
      return to.put(name, body, options);
    };
    await copyTo({ ...to, put }, from, { lockPolicy: { classes: { manual: '1000y' } } });
    const until = new Date(Date.parse('2026-11-18T02:00:00.000Z') + 1_000 * 366 * 86_400_000);
    const locked = { 'db/toc.dat': until, 'db/1.dat': until, SHA256SUMS: until, 'manifest.json': until };
    expect(locks).toEqual({ ...locked, 'pin.json': undefined });
    const later = createMemoryStorage();
    const putLater: Storage['put'] = (name, body, options) => {
      expect(options.lockUntil, 'a lock that has ended').toBeUndefined();
      return later.put(name, body, options);
    };
    const report = await copyTo({ ...later, put: putLater }, from, { lockPolicy: { classes: { manual: '1ms' } } });
    expect(typesOf(report)).toEqual(['copied', 'copied']);
  });

  test('bytes that read back differently are never published, and are taken back', async () => {
    const [from, to] = await twoStorages();
    const get: Storage['get'] = async (name, options) => {
      const stream = await to.get(name, options);
      return name === `app/${first}/db/1.dat` ? Readable.from([noise(200_000, 5)], { objectMode: false }) : stream;
    };
    const report = await copyTo({ ...to, get }, from);
    expect(report.outcomes).toMatchObject([{ type: 'failed', error: { code: 'VERIFY_FAILED' } }, { type: 'copied' }]);
    expect((await keysOf(to)).filter((found) => !found.startsWith(`app/${second}/`))).toEqual([]);
    expect(typesOf(await copyTo({ ...to, get }, from, { readBack: false }))).toEqual(['copied']);
  });

  test('a put that took effect and was made again counts, where the bytes are right', async () => {
    const [from, to] = await twoStorages();
    const put: Storage['put'] = async (name, body, options) => {
      const bytes = await bytesOf(body);
      await to.put(name, bodyOf(bytes), options);
      if (options.ifAbsent === true && name.includes('Z-')) await to.put(name, bodyOf(bytes), options);
    };
    expect(typesOf(await copyTo({ ...to, put }, from))).toEqual(['copied', 'copied']);
  });

  test('two copies at once leave one whole destination', async () => {
    const folder = await temporaryFolder();
    await using from = createLocalStorage(join(folder, 'from'));
    for (const id of [first ?? '', second ?? '']) await putBackup(from, { id, parts });
    await using one = createLocalStorage(join(folder, 'to'));
    await using two = createLocalStorage(join(folder, 'to'));
    const reports = await Promise.all([one, two].map((to) => copyTo(to, from, { lockWaitMs: 30_000 })));
    expect(reports.flatMap(typesOf).toSorted()).toEqual(['copied', 'copied']);
    expect(await keysOf(one)).toEqual(await keysOf(from));
  });

  test('what a killed prune or backup left half there is cleared, but not what this copy completes', async () => {
    const [from, to] = await twoStorages();
    const other = '20261117T020000Z-00000009';
    await to.put(key(`app/${other}/app.db`), bodyOf('half'), patient);
    await to.put(key(`app/${first}/db/toc.dat`), bodyOf(parts['db/toc.dat']), patient);
    const lock = await lockOf(to);
    await lock.declare([other, first ?? ''], patient);
    await lock[Symbol.asyncDispose]();
    const fetched: string[] = [];
    const get: Storage['get'] = (name, options) => {
      fetched.push(name);
      return from.get(name, options);
    };
    expect(typesOf(await copyTo(to, { ...from, get }))).toEqual(['copied', 'copied']);
    expect(fetched).not.toContain(`app/${first}/db/toc.dat`);
    expect((await keysOf(to)).filter((name) => name.includes(other) || name.includes('lock'))).toEqual([]);
  });

  test('what a killed copy was just storing is discarded, and that of nobody else', async () => {
    const [from, to] = await twoStorages();
    const looked: string[] = [];
    const discarded: string[] = [];
    const unfinished: Storage['unfinished'] = async function* unfinished(prefix) {
      looked.push(prefix);
      const name = key(`${prefix}/db/1.dat`);
      yield { key: name, startedAt: new Date(0), discard: async () => void discarded.push(name) };
      throw new Error('the rest may not be listed');
    };
    const lock = await lockOf(to);
    await lock.declare([second ?? ''], patient);
    await lock[Symbol.asyncDispose]();
    expect(typesOf(await copyTo({ ...to, unfinished }, from))).toEqual(['copied', 'copied']);
    expect([looked, discarded]).toEqual([[`app/${second}`], [`app/${second}/db/1.dat`]]);
  });

  test('the link to the latest leads to the newest that is there, not to the last one copied', async () => {
    const folder = await temporaryFolder();
    await using from = createLocalStorage(join(folder, 'from'));
    await using to = createLocalStorage(join(folder, 'to'));
    await putBackup(from, { id: first ?? '', parts });
    await putBackup(to, { id: second ?? '', parts });
    await copyTo(to, from);
    expect(await readFile(join(folder, 'to/app/latest/manifest.json'), 'utf8')).toContain(second);
  });

  test('an interruption keeps what is whole for the next copy, named in a lock that nobody holds', async () => {
    const [from, to] = await twoStorages();
    const stop = new AbortController();
    const put: Storage['put'] = async (name, body, options) => {
      if (name === `app/${first}/db/1.dat`) stop.abort(new Error('stopped by hand'));
      await to.put(name, body, options);
    };
    await expect(copyTo({ ...to, put }, from, { signal: stop.signal })).rejects.toThrow('stopped by hand');
    expect(await keysOf(to)).toEqual([`app/${first}/db/toc.dat`, 'app/lock.json']);
    expect(await contentOf(to, 'app/lock.json')).toContain(first);
    expect(typesOf(await copyTo(to, from))).toEqual(['copied', 'copied']);
    expect(await keysOf(to)).not.toContain('app/lock.json');
  });
});

test('events say what is copied, how far it is, and when it is there', async () => {
  const [from, to] = await twoStorages();
  events.length = 0;
  await copyTo(to, from);
  const told = events.filter(({ type }) => type.startsWith('copy.'));
  expect(told).toMatchObject([
    { type: 'copy.started', target: 'app', id: first, bytes: 202_000, from: 'memory', to: 'memory' },
    { type: 'copy.finished', target: 'app', id: first },
    { type: 'copy.started', id: second },
    { type: 'copy.finished', id: second },
  ]);
  const progress = events.filter((event) => event.type === 'progress' && event.activity === 'copy');
  expect(progress).toContainEqual({ type: 'progress', activity: 'copy', bytes: 202_000, totalBytes: 202_000 });
});

/** A source with two backups of two parts, the first one pinned, and an empty destination. */
async function twoStorages(): Promise<readonly [from: Storage, to: Storage]> {
  const from = createMemoryStorage();
  await putBackup(from, { id: first ?? '', parts, pinned: true });
  await putBackup(from, { id: second ?? '', parts });
  return [from, createMemoryStorage()];
}

async function copyTo(to: Storage, from: Storage, change: Partial<CopyRequest> = {}): Promise<CopyReport> {
  const source = change.source ?? (await loadCatalog(from, { ...patient, target: app }));
  const request = { target: app, from, source, to, readBack: true, lockWaitMs: 0 };
  const all = { named: undefined, policy: undefined, lockPolicy: undefined };
  return copy({ ...request, ...all, ...patient, ...change }, ports);
}

function typesOf({ outcomes }: CopyReport): string[] {
  return outcomes.map(({ type }) => type);
}

function lockOf(storage: Storage): ReturnType<ReturnType<typeof createLock>['acquire']> {
  const onReleaseFailure = (error: unknown): never => {
    throw error;
  };
  const request = { purpose: 'backup', waitMs: 0, onReleaseFailure, ...patient };
  return createLock(storage, systemClock, systemRandom).acquire(app, request);
}
