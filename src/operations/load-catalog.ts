import type { Backup, BrokenBackup, Catalog, Litter } from '../core/catalog.ts';
import { DbopsError, hasCode, messageOf } from '../core/errors.ts';
import { isBackupId, isTargetName, keyIn } from '../core/ids.ts';
import { MANIFEST_NAME, parseManifest, SUMS_NAME, type Manifest } from '../core/manifest.ts';
import type { CallOptions, GetOptions, ObjectInfo, Storage } from '../core/ports/storage.ts';
import { isGood, isRecordName, parsePin, parseVerificationName, PIN_NAME } from '../core/records.ts';
import { LOCK_NAME, parseWork } from '../core/unfinished-work.ts';
import { collect } from '../streams/collect.ts';
import { inParallel } from './in-parallel.ts';

/** No manifest of ours comes near; a larger one is not read into memory. */
export const MANIFEST_LIMIT = 64 << 20;
const RECORD_LIMIT = 1 << 20;
const width = 32;

export interface CatalogOptions extends CallOptions {
  readonly target?: string;
  /** No answer may come from a cache. */
  readonly uncached?: boolean;
}

/**
 * Reads what a storage holds, of one target or of all: one listing, and one small read a backup.
 * The storage itself is the only state there is.
 */
export async function loadCatalog(storage: Storage, options: CatalogOptions): Promise<Catalog> {
  const folders = new Map<string, ObjectInfo[]>();
  for await (const info of storage.list(options.target ?? '', options)) {
    const [target = '', id = '', ...rest] = info.key.split('/');
    // Anything else in the storage belongs to somebody else.
    if (rest.length === 0 || !isTargetName(target) || !isBackupId(id)) continue;
    const prefix = `${target}/${id}`;
    const objects = folders.get(prefix);
    if (objects === undefined) folders.set(prefix, [info]);
    else objects.push(info);
  }
  const entries = await inParallel([...folders], width, ([prefix, objects]) =>
    readFolder(storage, prefix, objects, options),
  );
  return {
    backups: entries.flatMap((entry) => (entry.type === 'backup' ? [entry.backup] : [])),
    broken: entries.flatMap((entry) => (entry.type === 'broken' ? [entry.broken] : [])),
    litter: entries.flatMap((entry) => (entry.type === 'litter' ? [entry.litter] : [])),
  };
}

type Entry =
  | { readonly type: 'backup'; readonly backup: Backup }
  | { readonly type: 'broken'; readonly broken: BrokenBackup }
  | { readonly type: 'litter'; readonly litter: Litter };

async function readFolder(
  storage: Storage,
  prefix: string,
  objects: readonly ObjectInfo[],
  options: CatalogOptions,
): Promise<Entry> {
  const names = new Set(objects.map(({ key }) => key.slice(prefix.length + 1)));
  if (!names.has(MANIFEST_NAME)) return judgeWithout(storage, prefix, objects, options);
  try {
    return { type: 'backup', backup: await readBackup(storage, prefix, objects, options) };
  } catch (error) {
    options.signal.throwIfAborted();
    const unread = error instanceof DbopsError && error.code === 'STORAGE_FAILED' ? error : undefined;
    return { type: 'broken', broken: { prefix, objects, reason: messageOf(error), unread } };
  }
}

/**
 * What a folder without a manifest is. The sums are written right before the manifest, and records only beside one: a
 * folder with either has lost it, unless the lock says that a run is, or was, making or removing this very folder.
 */
async function judgeWithout(
  storage: Storage,
  prefix: string,
  objects: readonly ObjectInfo[],
  options: CatalogOptions,
): Promise<Entry> {
  const litter: Entry = { type: 'litter', litter: { prefix, objects } };
  const evidence = objects.find(({ key }) => {
    const name = key.slice(prefix.length + 1);
    return name === SUMS_NAME || isRecordName(name);
  });
  if (evidence === undefined || (await isUnfinished(storage, prefix, options))) return litter;
  // A run that has ended since the listing has also finished this folder, or removed it.
  const manifest = await storage.stat(keyIn(prefix, MANIFEST_NAME), options);
  if (manifest !== undefined) return readFolder(storage, prefix, [...objects, manifest], options);
  if ((await storage.stat(evidence.key, options)) === undefined) return litter;
  return { type: 'broken', broken: { prefix, objects, reason: 'its manifest is missing', unread: undefined } };
}

async function isUnfinished(storage: Storage, prefix: string, options: CallOptions): Promise<boolean> {
  const [target = '', id = ''] = prefix.split('/');
  const key = keyIn(target, LOCK_NAME);
  try {
    return parseWork(await collect(await storage.get(key, options), RECORD_LIMIT, key)).includes(id);
  } catch (error) {
    if (hasCode(error, 'OBJECT_MISSING')) return false;
    throw error;
  }
}

/** Reads one backup whose objects are known; `prefix` is empty when the storage was opened at its folder. */
export async function readBackup(
  storage: Storage,
  prefix: string,
  objects: readonly ObjectInfo[],
  options: CatalogOptions,
): Promise<Backup> {
  // What was listed just now may come from a cache: of thousands of backups, few are others than the last time.
  const listed = (name: string): GetOptions => {
    const wanted = keyIn(prefix, name);
    const info = objects.find(({ key }) => key === wanted);
    return info === undefined || options.uncached === true
      ? { signal: options.signal }
      : { signal: options.signal, listed: info };
  };
  const manifest = await readManifest(storage, prefix, listed(MANIFEST_NAME));
  if (prefix !== '' && prefix !== `${manifest.target}/${manifest.id}`) {
    throw new Error(`its manifest belongs to ${manifest.target}/${manifest.id}`);
  }
  const names = objects.map(({ key }) => (prefix === '' ? key : key.slice(prefix.length + 1)));
  const verifications = names.map(parseVerificationName).filter((note) => note !== undefined);
  const pinned = names.includes(PIN_NAME) ? await readPinned(storage, prefix, listed(PIN_NAME)) : manifest.pinned;
  return { prefix, manifest, pinned, good: isGood(verifications), verifications, objects };
}

async function readManifest(storage: Storage, prefix: string, options: GetOptions): Promise<Manifest> {
  const key = keyIn(prefix, MANIFEST_NAME);
  return parseManifest(await collect(await storage.get(key, options), MANIFEST_LIMIT, key), key);
}

async function readPinned(storage: Storage, prefix: string, options: GetOptions): Promise<boolean> {
  const key = keyIn(prefix, PIN_NAME);
  try {
    return parsePin(await collect(await storage.get(key, options), RECORD_LIMIT, key), key).pinned;
  } catch {
    options.signal.throwIfAborted();
    // An unreadable pin protects: the mistake that keeps a backup is the better one. `verify` reports it.
    return true;
  }
}
