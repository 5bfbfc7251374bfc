import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Backup, Catalog } from '../../src/core/catalog.ts';
import { parseTargetName } from '../../src/core/ids.ts';
import type { Storage } from '../../src/core/ports/storage.ts';
import { sqliteEngine } from '../../src/engines/sqlite/sqlite-engine.ts';
import type { BackupRequest } from '../../src/operations/backup-request.ts';
import { checkStored } from '../../src/operations/check-stored.ts';
import { loadCatalog } from '../../src/operations/load-catalog.ts';
import type { Ports } from '../../src/operations/ports.ts';
import { openStored } from '../../src/operations/restorable.ts';
import { createLocalStorage } from '../../src/storage/local/local-storage.ts';

export const app = parseTargetName('app');
export const patient = new AbortController().signal;

/** A backup of a file under the target's name `app`, as the command line would ask for it. */
export function backupRequest(source: string, storage: Storage, ports: Ports): BackupRequest {
  return {
    target: app,
    named: true,
    engine: sqliteEngine,
    address: { location: source, lockTimeoutMs: 5_000 },
    storages: [{ storage }],
    class: 'daily',
    tags: {},
    pinned: false,
    codec: ports.codecs.parse('zstd'),
    facts: 'rows',
    options: {},
    readBack: true,
    lockWaitMs: 0,
    scratchParent: undefined,
    git: undefined,
    signal: patient,
  };
}

/** What a folder of backups holds, read by a storage that nothing was done to. */
export async function catalogOf(folder: string): Promise<Catalog> {
  await using storage = createLocalStorage(folder);
  return loadCatalog(storage, { signal: patient });
}

/** The problems of every backup that a folder lists, each proven by checksum and structure; none when all is well. */
export async function problemsIn(folder: string, ports: Ports): Promise<string[]> {
  await using storage = createLocalStorage(folder);
  const { backups, broken } = await loadCatalog(storage, { signal: patient });
  const found = await Promise.all(backups.map((backup) => problemsOf(storage, backup, ports)));
  return [...found.flat(), ...broken.map(({ prefix, reason }) => `${prefix} is listed as broken: ${reason}`)];
}

async function problemsOf(storage: Storage, backup: Backup, ports: Ports): Promise<string[]> {
  const { problems, warnings } = await checkStored({ storage, backup }, { signal: patient });
  const { engine, parts } = await openStored({ storage, backup }, ports);
  const structure = await engine.inspect(parts, 'whole', { signal: patient });
  return [...problems, ...warnings, ...structure].map((problem) => `${backup.prefix}: ${problem}`);
}

/**
 * Locks that a run in this very process could not release would be held for as long as the tests run. Gives their
 * owner another start time, which is how a lock looks whose process has ended and whose number was used again.
 */
export function endOwnerOfLocks(folder: string): void {
  for (const name of ['lock.json', 'claim.json']) {
    const file = join(folder, app, name);
    if (!existsSync(file)) continue;
    const lock = JSON.parse(readFileSync(file, 'utf8')) as { owner: object };
    writeFileSync(file, JSON.stringify({ ...lock, owner: { ...lock.owner, start: '1' } }));
  }
}
