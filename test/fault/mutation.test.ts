import { cpSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Backup } from '../../src/core/catalog.ts';
import { DbopsError } from '../../src/core/errors.ts';
import type { Manifest } from '../../src/core/manifest.ts';
import { backup } from '../../src/operations/backup.ts';
import { checkStored } from '../../src/operations/check-stored.ts';
import { findBackup, openStored } from '../../src/operations/restorable.ts';
import { restore } from '../../src/operations/restore.ts';
import { setPin } from '../../src/operations/set-pin.ts';
import { verify } from '../../src/operations/verify.ts';
import { createLocalStorage } from '../../src/storage/local/local-storage.ts';
import { app, backupRequest, catalogOf, patient } from '../support/operations.ts';
import { makeDatabase } from '../support/small-database.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { createTestPorts } from '../support/test-ports.ts';
import { contentOf, treeOf } from '../support/tree.ts';

// One small backup with every kind of file that may stand beside it: pinned and verified. Its database has the
// smallest pages there are, so that all of its bytes can be tried.

let folder: string;
let storageFolder: string;
let backupFolder: string;
let known: Backup;
const { ports } = createTestPorts({ temporaryFolder: '/nowhere' });

beforeEach(async () => {
  folder = await temporaryFolder();
  storageFolder = join(folder, 'storage');
  const source = makeDatabase(join(folder, 'app.db'), { mark: 'm', rows: 1, pageSize: 512 });
  await makeBackup(source);
  await using storage = createLocalStorage(storageFolder);
  await setPin(
    storage,
    await findBackup(storage, { name: 'latest' }, ports, { signal: patient }),
    true,
    ports,
    patient,
  );
  known = await findBackup(storage, { name: 'latest' }, ports, { signal: patient });
  const subject = await openStored({ storage, backup: known }, ports);
  await verify({ subject, level: 'checksum', checks: [], scratchParent: undefined, signal: patient }, ports);
  known = await findBackup(storage, { name: 'latest' }, ports, { signal: patient });
  backupFolder = join(storageFolder, known.prefix);
});

describe('every damaged byte is found', () => {
  test('C1: one flipped bit in any byte of any file of a backup is a finding of verify', async () => {
    expect(filesOf(), 'manifest, sums, part, pin and verification record').toHaveLength(5);
    const missed: string[] = [];
    for (const name of filesOf()) {
      const sound = readFileSync(join(backupFolder, name));
      for (let at = 0; at < sound.length; at++) {
        // Another bit at every place, so that all eight are tried everywhere along the file.
        const changed = Buffer.from(sound);
        changed.writeUInt8(sound.readUInt8(at) ^ (1 << (at % 8)), at);
        writeFileSync(join(backupFolder, name), changed);
        if ((await findings()).length === 0) missed.push(`${name}, byte ${at}`);
      }
      writeFileSync(join(backupFolder, name), sound);
    }
    expect(missed).toEqual([]);
    expect(await findings()).toEqual([]);
  });

  test('C2: any file of a backup cut at any length is a finding of verify', async () => {
    const missed: string[] = [];
    for (const name of filesOf()) {
      const sound = readFileSync(join(backupFolder, name));
      for (let length = 0; length < sound.length; length++) {
        writeFileSync(join(backupFolder, name), sound.subarray(0, length));
        if ((await findings()).length === 0) missed.push(`${name}, cut to ${length}`);
      }
      writeFileSync(join(backupFolder, name), sound);
    }
    expect(missed).toEqual([]);
  });

  test.each(['\n', ' ', '\0', '}', '{}\n', 'x'])('C3: %j appended to any file is a finding of verify', async (more) => {
    for (const name of filesOf()) {
      const sound = readFileSync(join(backupFolder, name));
      writeFileSync(join(backupFolder, name), Buffer.concat([sound, Buffer.from(more)]));
      expect(await findings(), name).toEqual([expect.stringContaining(name)]);
      writeFileSync(join(backupFolder, name), sound);
    }
  });

  test('C5: a missing part, missing sums and a missing manifest are found, each in its own words', async () => {
    const found = new Map<string, readonly string[]>();
    for (const name of ['app.db.zst', 'SHA256SUMS', 'manifest.json']) {
      renameSync(join(backupFolder, name), join(folder, name));
      found.set(name, await findings());
      renameSync(join(folder, name), join(backupFolder, name));
    }
    expect(found.get('app.db.zst')).toEqual(['app.db.zst is missing']);
    expect(found.get('SHA256SUMS')).toEqual([expect.stringMatching(/SHA256SUMS is missing$/)]);
    expect(found.get('manifest.json')).toEqual([expect.stringMatching(/: its manifest is missing$/)]);
  });

  test('C4: two swapped files are found', async () => {
    const part = readFileSync(join(backupFolder, 'app.db.zst'));
    const sums = readFileSync(join(backupFolder, 'SHA256SUMS'));
    writeFileSync(join(backupFolder, 'app.db.zst'), sums);
    writeFileSync(join(backupFolder, 'SHA256SUMS'), part);
    const found = await findings();
    expect(found).toContainEqual(expect.stringContaining('app.db.zst has '));
    expect(found).toContainEqual(expect.stringContaining('SHA256SUMS is not what the manifest says'));
  });

  test('C4: a valid part or manifest of another backup in the place of this one is found', async () => {
    const other = await makeBackup(makeDatabase(join(folder, 'other.db'), { mark: 'n', rows: 1, pageSize: 512 }));
    const theirs = join(storageFolder, app, other.id);
    const part = readFileSync(join(backupFolder, 'app.db.zst'));
    cpSync(join(theirs, 'other.db.zst'), join(backupFolder, 'app.db.zst'));
    rmSync(theirs, { recursive: true });
    expect(await findings()).toEqual([expect.stringMatching(/^app\.db\.zst (has|does not match)/)]);
    writeFileSync(join(backupFolder, 'app.db.zst'), part);
    expect(await findings()).toEqual([]);
    writeFileSync(join(backupFolder, 'manifest.json'), await manifestOfAnother());
    expect(await findings()).toEqual([expect.stringContaining('its manifest belongs to')]);
  });

  test('C6: a file that nobody knows is mentioned, and is no finding', async () => {
    writeFileSync(join(backupFolder, 'notes.txt'), 'mine');
    await using storage = createLocalStorage(storageFolder);
    const found = await findBackup(storage, { name: 'latest' }, ports, { signal: patient });
    const { problems, warnings } = await checkStored({ storage, backup: found }, { signal: patient });
    expect(problems).toEqual([]);
    expect(warnings).toEqual(['notes.txt does not belong to this backup']);
  });

  test('C5: a damaged newest backup is refused, and no older one is taken in its place', async () => {
    const newer = await makeBackup(join(folder, 'app.db'));
    const manifest = join(storageFolder, app, newer.id, 'manifest.json');
    writeFileSync(manifest, readFileSync(manifest).subarray(1));
    await using storage = createLocalStorage(storageFolder);
    const find = (name: string): Promise<Backup> => findBackup(storage, { name }, ports, { signal: patient });
    await expect(find('latest')).rejects.toMatchObject({
      code: 'DAMAGED',
      message: expect.stringContaining(newer.id) as string,
      hint: expect.stringContaining('give its id') as string,
    });
    await expect(find(newer.id)).rejects.toMatchObject({ code: 'DAMAGED' });
    await expect(find(known.manifest.id)).resolves.toMatchObject({ prefix: known.prefix });
    const before = { name: 'latest', at: new Date(Date.parse(newer.startedAt) - 60_000) };
    await expect(findBackup(storage, before, ports, { signal: patient })).rejects.toMatchObject({
      code: 'NOTHING_MATCHES',
    });
    const { broken } = await catalogOf(storageFolder);
    expect(broken.map(({ prefix }) => prefix)).toEqual([`${app}/${newer.id}`]);
  });
});

describe('a restore of a damaged backup', () => {
  const damages: readonly [string, (file: Buffer) => Buffer][] = [
    ['its first byte flipped', (file) => flipped(file, 0)],
    ['a byte in its middle flipped', (file) => flipped(file, Math.trunc(file.length / 2))],
    ['its last byte flipped', (file) => flipped(file, file.length - 1)],
    ['its last byte cut off', (file) => file.subarray(0, -1)],
    ['only its first half', (file) => file.subarray(0, file.length / 2)],
    ['only one byte', (file) => file.subarray(0, 1)],
    ['nothing left', () => Buffer.alloc(0)],
    ['a byte appended', (file) => Buffer.concat([file, Buffer.from('x')])],
    ['the whole file twice', (file) => Buffer.concat([file, file])],
  ];

  test.each(damages)(
    'C11: refuses a part with %s, by program and by library, and touches nothing',
    async (_t, damage) => {
      const part = join(backupFolder, 'app.db.zst');
      writeFileSync(part, damage(readFileSync(part)));
      await expectRefused();
    },
  );

  test.each(damages)('C11: refuses a manifest with %s, and touches nothing', async (_title, damage) => {
    const manifest = join(backupFolder, 'manifest.json');
    writeFileSync(manifest, damage(readFileSync(manifest)));
    await expectRefused();
  });

  test('C5: refuses a backup whose part is missing, and touches nothing', async () => {
    rmSync(join(backupFolder, 'app.db.zst'));
    await expectRefused();
  });
});

async function expectRefused(): Promise<void> {
  const live = join(folder, 'live');
  mkdirSync(live);
  const location = makeDatabase(join(live, 'app.db'), { mark: 'present', journal: 'wal' });
  const before = contentOf(live);
  for (const path of ['/usr/bin:/bin', undefined]) {
    const { ports: own } = createTestPorts({ temporaryFolder: folder, ...(path === undefined ? {} : { path }) });
    await using storage = createLocalStorage(storageFolder);
    const attempt = async (): Promise<unknown> => {
      const found = await findBackup(storage, { name: 'latest' }, own, { signal: patient });
      const subject = await openStored({ storage, backup: found }, own);
      const destination = { location, lockTimeoutMs: 1_000 };
      return restore({ subject, destination, replace: true, allowOpen: false, checks: [], signal: patient }, own);
    };
    await expect(attempt()).rejects.toSatisfy(
      (error) => error instanceof DbopsError && ['DAMAGED', 'OBJECT_MISSING'].includes(error.code),
    );
    expect(contentOf(live)).toEqual(before);
  }
}

/** What `verify` at its checksum level has to say of the backup as it stands on disk, also when it cannot be opened. */
async function findings(): Promise<readonly string[]> {
  await using storage = createLocalStorage(storageFolder);
  try {
    const found = await findBackup(storage, { name: 'latest' }, ports, { signal: patient });
    return (await checkStored({ storage, backup: found }, { signal: patient })).problems;
  } catch (error) {
    if (error instanceof DbopsError && ['DAMAGED', 'NOTHING_MATCHES'].includes(error.code)) return [error.message];
    throw error;
  }
}

async function makeBackup(source: string): Promise<Manifest> {
  await using storage = createLocalStorage(storageFolder);
  return (await backup(backupRequest(source, storage, ports), ports)).manifest;
}

async function manifestOfAnother(): Promise<Buffer> {
  const { id } = await makeBackup(join(folder, 'other.db'));
  const theirs = join(storageFolder, app, id);
  const manifest = readFileSync(join(theirs, 'manifest.json'));
  rmSync(theirs, { recursive: true });
  return manifest;
}

function filesOf(): string[] {
  return treeOf(backupFolder).map((path) => basename(path));
}

function flipped(file: Buffer, at: number): Buffer {
  const changed = Buffer.from(file);
  changed.writeUInt8(file.readUInt8(at) ^ 0x10, at);
  return changed;
}
