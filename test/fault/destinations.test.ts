import { existsSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { DbopsError } from '../../src/core/errors.ts';
import type { CallOptions, Storage } from '../../src/core/ports/storage.ts';
import type { BackupRequest } from '../../src/operations/backup-request.ts';
import { backup, type BackupResult } from '../../src/operations/backup.ts';
import type { Ports } from '../../src/operations/ports.ts';
import { createLocalStorage } from '../../src/storage/local/local-storage.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { failCall, withFault } from '../support/fault-storage.ts';
import { backupRequest, catalogOf, endOwnerOfLocks, problemsIn } from '../support/operations.ts';
import { makeDatabase } from '../support/small-database.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { createTestPorts } from '../support/test-ports.ts';
import { litterIn } from '../support/tree.ts';

let folder: string;
let source: string;
let ports: Ports;

beforeEach(async () => {
  folder = await temporaryFolder();
  source = makeDatabase(join(folder, 'app.db'), { mark: 'm', rows: 20 });
  ({ ports } = createTestPorts({ temporaryFolder: folder }));
});

type Wrap = (storage: Storage) => Storage;
const asIs: Wrap = (storage) => storage;

/** One backup into the folders `near` and `far`, each wrapped as the test says. */
async function backUp(near: Wrap, far: Wrap, change: Partial<BackupRequest> = {}): Promise<BackupResult> {
  await using one = createLocalStorage(join(folder, 'near'));
  await using two = createLocalStorage(join(folder, 'far'));
  const storages = [{ storage: near(one) }, { storage: far(two) }];
  return await backup({ ...backupRequest(source, one, ports), storages, ...change }, ports);
}

async function soundIn(name: string): Promise<number> {
  expect(await problemsIn(join(folder, name), ports)).toEqual([]);
  return (await catalogOf(join(folder, name))).backups.length;
}

function emptyFolders(): void {
  for (const name of ['near', 'far']) rmSync(join(folder, name), { recursive: true, force: true });
}

test('one dump is the same backup in every storage, to the last byte of its manifest', async () => {
  const { manifest, failures } = await backUp(asIs, asIs);
  expect(failures.size).toBe(0);
  expect([await soundIn('near'), await soundIn('far')]).toEqual([1, 1]);
  const [near, far] = await Promise.all(['near', 'far'].map((name) => catalogOf(join(folder, name))));
  expect(near?.backups[0]?.manifest).toEqual(JSON.parse(JSON.stringify(manifest)));
  expect(far?.backups[0]?.manifest).toEqual(near?.backups[0]?.manifest);
});

describe.each(['before', 'after'] as const)('any storage call of one destination that fails %s its effect', (when) => {
  test.each([
    ['once', false],
    ['for ever', true],
  ] as const)('%s: the other one gets a sound backup, and is not held up', async (_title, lasting) => {
    let nth = 1;
    for (; ; nth++) {
      emptyFolders();
      let struck: () => string | undefined = () => undefined;
      const far: Wrap = (storage) => {
        const faulty = withFault(storage, { nth, when, lasting, strike: failCall });
        ({ struck } = faulty);
        return faulty.storage;
      };
      const { failures } = await backUp(asIs, far);
      const call = struck();
      if (call === undefined) break;
      expect(await soundIn('near'), call).toBe(1);
      expect(litterIn(join(folder, 'near')), call).toEqual([]);
      const reached = await soundIn('far');
      // A backup that was published there is whole, whatever failed after that; one that was not is no backup.
      if (failures.size === 0) expect(reached, call).toBe(1);
      endOwnerOfLocks(join(folder, 'far'));
      await backUp(asIs, asIs);
      expect(await soundIn('far'), call).toBe(reached + 1);
      expect(litterIn(join(folder, 'far')), call).toEqual([]);
    }
    expect(nth, 'the number of calls struck').toBeGreaterThan(8);
  });
});

test('what fails in every destination fails the run with the first one’s reason, and leaves nothing', async () => {
  const failing: Wrap = (storage) =>
    withFault(storage, {
      nth: 5,
      when: 'before',
      lasting: true,
      strike: (call) => {
        throw new DbopsError('STORAGE_FAILED', `${storage.label.split('/').at(-1)} broke at ${call.split(' ')[0]}`);
      },
    }).storage;
  await expect(backUp(failing, failing)).rejects.toMatchObject({ message: expect.stringMatching(/^near broke at /) });
  expect([await soundIn('near'), await soundIn('far')]).toEqual([0, 0]);
});

test('a destination that is locked by another run gets nothing, and the other one its backup', async () => {
  await using far = createLocalStorage(join(folder, 'far'));
  const { target } = backupRequest(source, far, ports);
  await using _ = await ports.lockOf(far).acquire(target, {
    purpose: 'prune',
    waitMs: 0,
    signal: new AbortController().signal,
    onReleaseFailure: () => undefined,
  });
  const { failures } = await backUp(asIs, asIs);
  expect([...failures.values()]).toMatchObject([{ code: 'LOCKED' }]);
  expect([await soundIn('near'), await soundIn('far')]).toEqual([1, 0]);
});

test('a destination that gives back other bytes than it got is found, and the other one keeps its backup', async () => {
  const lying: Wrap = (storage) => ({
    ...storage,
    get: async (key, options) => {
      const stream = await storage.get(key, options);
      return key.endsWith('.zst') ? stream.map((chunk: Buffer) => Buffer.from(chunk.map((byte) => byte ^ 1))) : stream;
    },
  });
  const { failures } = await backUp(lying, asIs);
  expect([...failures.values()]).toMatchObject([{ code: 'VERIFY_FAILED' }]);
  expect([await soundIn('near'), await soundIn('far')]).toEqual([0, 1]);
  expect(litterIn(join(folder, 'near'))).toEqual([]);
});

test('an abort while one destination is slow leaves no half backup in either', async () => {
  const stop = new AbortController();
  const reason = new Error('stopped by hand');
  const stuck: Wrap = (storage) => ({
    ...storage,
    put: async (key, body, options) => {
      if (!key.endsWith('.zst')) return storage.put(key, body, options);
      stop.abort(reason);
      return storage.put(key, body, options);
    },
  });
  await expect(backUp(asIs, stuck, { signal: stop.signal })).rejects.toBe(reason);
  expect([await soundIn('near'), await soundIn('far')]).toEqual([0, 0]);
  expect([...litterIn(join(folder, 'near')), ...litterIn(join(folder, 'far'))]).toEqual([]);
});

test('a first place that cannot be written does not keep the snapshot from being taken elsewhere', async () => {
  writeFileSync(join(folder, 'near'), 'a file in the place of a folder');
  const { failures } = await backUp(asIs, asIs);
  expect([...failures.values()]).toMatchObject([{ message: expect.stringContaining('near is not a folder') }]);
  expect(await soundIn('far')).toBe(1);
});

test('a disk that holds the backup but not the snapshot beside it gets none, and the other one does', async () => {
  const bytes = statSync(source).size;
  const short: Wrap = (storage) => ({ ...storage, freeBytes: async () => bytes });
  const { failures } = await backUp(short, asIs);
  expect([...failures.values()]).toMatchObject([{ code: 'NO_SPACE', message: expect.stringContaining('near has ') }]);
  expect([await soundIn('near'), await soundIn('far')]).toEqual([0, 1]);
});

test('a full destination says so, and the other one gets its backup', async () => {
  mkdirSync(join(folder, 'far'));
  const full: Wrap = (storage) => ({ ...storage, freeBytes: async () => 10 });
  const { failures } = await backUp(asIs, full);
  expect([...failures.values()]).toMatchObject([{ code: 'NO_SPACE' }]);
  expect([await soundIn('near'), await soundIn('far')]).toEqual([1, 0]);
});

test('a storage that is gone holds up neither the end of the run for long nor the lock of the others', async () => {
  const clock = createFakeClock();
  const { events, ...rest } = createTestPorts({ temporaryFolder: folder, clock });
  ({ ports } = rest);
  const gone = Promise.withResolvers<void>();
  // Nothing answers any more from the first put of a part on; what is aborted ends.
  const far: Wrap = (storage) => {
    let dead = false;
    const answer = async <T>({ signal }: CallOptions, act: () => Promise<T>): Promise<T> => {
      if (!dead) return act();
      gone.resolve();
      return new Promise((_, reject) => {
        if (signal.aborted) return reject(signal.reason);
        signal.addEventListener('abort', () => reject(signal.reason), { once: true });
        return undefined;
      });
    };
    return {
      ...storage,
      put: async (key, body, options) => {
        dead ||= !key.endsWith('lock.json');
        if (dead) return failCall(`put ${key}`);
        return storage.put(key, body, options);
      },
      get: (key, options) => answer(options, () => storage.get(key, options)),
      stat: (key, options) => answer(options, () => storage.stat(key, options)),
      remove: (key, options) => answer(options, () => storage.remove(key, options)),
    };
  };
  const running = backUp(asIs, far);
  await gone.promise;
  await expect.poll(() => existsSync(join(folder, 'near', 'app', 'lock.json'))).toBe(false);
  expect(await soundIn('near')).toBe(1);
  await clock.advance(15_000);
  const { failures } = await running;
  expect([...failures.values()]).toMatchObject([{ message: expect.stringContaining('injected failure of put') }]);
  expect(events.flatMap((event) => (event.type === 'warning' ? [event.message] : []))).toEqual([
    expect.stringContaining('gets no backup'),
    expect.stringMatching(/what was stored in .*\/far could not be removed: no answer within 15 s/),
    expect.stringMatching(/the lock stays behind: no answer within 15 s/),
  ]);
});
