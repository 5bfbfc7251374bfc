import { createHash } from 'node:crypto';
import type { Backup } from '../core/catalog.ts';
import { DbopsError, hasCode } from '../core/errors.ts';
import type { Activity } from '../core/events.ts';
import { keyIn, type ObjectKey } from '../core/ids.ts';
import {
  MANIFEST_NAME,
  parseManifest,
  serializeManifest,
  serializeSums,
  storedParts,
  SUMS_NAME,
  type Part,
} from '../core/manifest.ts';
import type { Lease } from '../core/ports/lock.ts';
import type { CallOptions, ObjectInfo, PutOptions, Storage } from '../core/ports/storage.ts';
import { parsePin, PIN_NAME, serializeRecord } from '../core/records.ts';
import { collect } from '../streams/collect.ts';
import { measureStream } from '../streams/meter.ts';
import { MANIFEST_LIMIT } from './load-catalog.ts';
import { refuseIfShort } from './preflight.ts';
import { openStoredBytes } from './read-parts.ts';
import { putBytes } from './store-parts.ts';

export interface BackupCopy extends CallOptions {
  readonly from: Storage;
  readonly to: Storage;
  readonly backup: Backup;
  /** Of the target at the destination. */
  readonly lease: Lease;
  /** Read what was stored back and compare. */
  readonly readBack: boolean;
  /** Until when the destination is to refuse to remove what is stored, where it locks objects. */
  readonly lockUntil: Date | 'forever' | undefined;
  readonly now: Date;
  readonly onProgress: (activity: Activity, bytes: number) => void;
}

/**
 * Brings one backup to a storage that has none of that name, or a part of it: what an interrupted copy stored is
 * compared, and kept where it is right. The manifest comes last, byte for byte that of the source, and only while the lock
 * is held.
 */
export async function copyBackup(copy: BackupCopy): Promise<void> {
  const { to, backup, lease, signal } = copy;
  const { prefix, manifest } = backup;
  const description = await readDescription(copy);
  if (lease.inherited.includes(manifest.id)) await discardUnfinished(copy);
  const there = await objectsBelow(to, prefix, { signal });
  const parts = storedParts(manifest);
  const lacking = parts.filter((part) => there.get(keyIn(prefix, part.name))?.bytes !== part.bytes);
  const need = lacking.reduce((sum, { bytes }) => sum + bytes, 0);
  refuseIfShort(to.label, need, await to.freeBytes({ signal }));
  let done = 0;
  for (const part of parts) {
    await copyPart(copy, part, there.get(keyIn(prefix, part.name)), done);
    done += part.bytes;
  }
  // Beside no manifest they change nothing, whoever wrote them first.
  await putSmall(copy, SUMS_NAME, description.sums, false);
  const pin = await readPin(copy);
  if (pin !== undefined) await putSmall(copy, PIN_NAME, pin, false);
  await lease.confirm({ signal });
  await putSmall(copy, MANIFEST_NAME, description.manifest, true);
}

/** The keys that a copy of a backup may have made, the manifest among them. */
export function keysOfCopy({ prefix, manifest }: Backup): ObjectKey[] {
  const names = [MANIFEST_NAME, SUMS_NAME, PIN_NAME, ...storedParts(manifest).map(({ name }) => name)];
  return names.map((name) => keyIn(prefix, name));
}

/** Read anew, because the catalogue may be of long ago, and its manifest without the bytes. */
async function readDescription(copy: BackupCopy): Promise<{ readonly manifest: Buffer; readonly sums: Buffer }> {
  const { manifest } = copy.backup;
  const bytes = await readSmall(copy, MANIFEST_NAME);
  const now = parseManifest(bytes, keyIn(copy.backup.prefix, MANIFEST_NAME));
  if (!serializeManifest(now).equals(serializeManifest(manifest))) throw differs(copy, MANIFEST_NAME, 'it was');
  const sums = serializeSums(manifest, createHash('sha256').update(bytes).digest('hex'));
  if (!(await readSmall(copy, SUMS_NAME)).equals(sums)) throw differs(copy, SUMS_NAME, 'the manifest says');
  return { manifest: bytes, sums };
}

function differs({ from, backup }: BackupCopy, name: string, expected: string): DbopsError {
  return new DbopsError('DAMAGED', `${keyIn(backup.prefix, name)} in ${from.label} is not what ${expected}`, {
    hint: 'It was not copied. Look at it with `dbops verify`.',
  });
}

async function readSmall(copy: BackupCopy, name: string): Promise<Buffer> {
  const { from, backup, signal } = copy;
  const key = keyIn(backup.prefix, name);
  return collect(await present(from.get(key, { signal })), MANIFEST_LIMIT, key);
}

/** What a backup should have and has not is damage of the backup. */
async function present<T>(found: Promise<T>): Promise<T> {
  try {
    return await found;
  } catch (error) {
    if (!hasCode(error, 'OBJECT_MISSING')) throw error;
    throw new DbopsError('DAMAGED', error.message, {
      hint: 'It was not copied. Look at the backup with `dbops verify`.',
      cause: error,
    });
  }
}

/**
 * What a killed copy was storing is invisible, takes space and costs money. Under the lock nobody else stores anything
 * here. Where that may not be looked at, the copy is none the worse for it.
 */
async function discardUnfinished({ to, backup, signal }: BackupCopy): Promise<void> {
  try {
    for await (const put of to.unfinished(backup.prefix, { signal })) await put.discard({ signal });
  } catch {
    signal.throwIfAborted();
  }
}

async function objectsBelow(
  storage: Storage,
  prefix: string,
  options: CallOptions,
): Promise<ReadonlyMap<ObjectKey, ObjectInfo>> {
  const found = new Map<ObjectKey, ObjectInfo>();
  for await (const info of storage.list(prefix, options)) found.set(info.key, info);
  return found;
}

async function copyPart(copy: BackupCopy, part: Part, old: ObjectInfo | undefined, done: number): Promise<void> {
  const { from, to, backup, readBack, signal, onProgress } = copy;
  const key = keyIn(backup.prefix, part.name);
  if (old?.bytes === part.bytes && (await isStored(copy, part))) return;
  const body = await present(
    openStoredBytes({ storage: from, prefix: backup.prefix, part }, { signal }, (bytes) =>
      onProgress('copy', done + bytes),
    ),
  );
  let failure: Error | undefined;
  body.once('error', (error) => {
    failure = error;
  });
  // What is there and wrong is replaced in one step, by bytes that are known to be right when it happens.
  const options = { ...lockOf(copy), signal, ifAbsent: old === undefined, expectedBytes: part.bytes };
  const isNew = await to.put(key, body, options).then(
    () => true,
    (error: unknown) => {
      // A request that took effect without an answer and was made again finds its own object.
      if (hasCode(error, 'OBJECT_EXISTS')) return false;
      throw failure instanceof DbopsError ? failure : error;
    },
  );
  if ((isNew && !readBack) || (await isStored(copy, part))) return;
  throw readsBackDifferently(copy, key);
}

function lockOf({ lockUntil }: BackupCopy): Pick<PutOptions, 'lockUntil'> {
  return lockUntil === undefined ? {} : { lockUntil };
}

async function isStored({ to, backup, signal, onProgress }: BackupCopy, part: Part): Promise<boolean> {
  const source = await to.get(keyIn(backup.prefix, part.name), { signal });
  const found = await measureStream(source, (bytes) => onProgress('read back', bytes));
  return found.bytes === part.bytes && found.sha256 === part.sha256;
}

/** An unreadable pin protects, here as at the source. */
async function readPin(copy: BackupCopy): Promise<Buffer | undefined> {
  const { from, backup, now, signal } = copy;
  const key = keyIn(backup.prefix, PIN_NAME);
  if ((await from.stat(key, { signal })) === undefined) return undefined;
  const bytes = await readSmall(copy, PIN_NAME);
  try {
    parsePin(bytes, key);
    return bytes;
  } catch {
    return serializeRecord({ formatVersion: 1, pinned: true, at: now.toISOString() });
  }
}

async function putSmall(copy: BackupCopy, name: string, bytes: Buffer, ifAbsent: boolean): Promise<void> {
  const { to, backup, readBack, signal } = copy;
  const key = keyIn(backup.prefix, name);
  const isThere = async (): Promise<boolean> =>
    (await collect(await to.get(key, { signal }), MANIFEST_LIMIT, key)).equals(bytes);
  try {
    await putBytes(to, key, bytes, { ...(name === PIN_NAME ? {} : lockOf(copy)), signal, ifAbsent });
  } catch (error) {
    if (hasCode(error, 'OBJECT_EXISTS') && (await isThere())) return;
    throw error;
  }
  if (readBack && !(await isThere())) throw readsBackDifferently(copy, key);
}

function readsBackDifferently({ to }: BackupCopy, key: ObjectKey): DbopsError {
  return new DbopsError('VERIFY_FAILED', `${key} reads back differently from what was stored in ${to.label}`, {
    hint: 'The copy was not published. Check the destination and the memory of this machine, then copy again.',
  });
}
