import type { Backup, Catalog } from '../core/catalog.ts';
import { readDumpOptions } from '../core/dump-options.ts';
import { DbopsError } from '../core/errors.ts';
import { compactTime } from '../core/ids.ts';
import { MANIFEST_NAME, type Manifest } from '../core/manifest.ts';
import type { Engine, PartSource, StageRequest } from '../core/ports/engine.ts';
import type { CallOptions, ObjectInfo, Storage } from '../core/ports/storage.ts';
import { byTime, filterBackups, selectBackup, type Selector } from '../core/selector.ts';
import { loadCatalog, readBackup } from './load-catalog.ts';
import type { Ports } from './ports.ts';
import { openParts } from './read-parts.ts';
import { createRecall, type Recall } from './recorded.ts';

/** Something that can be verified and restored: a backup of ours, or a file that something else made. */
export interface Restorable {
  /** Safe to print. */
  readonly label: string;
  readonly engine: Engine;
  readonly parts: PartSource;
  /** True when it is encrypted: then its content must not touch a disk that nobody named. */
  readonly encrypted: boolean;
  /** What is recorded of its content; nothing of a foreign file's. */
  readonly recall: Recall;
  /** Size once restored, where it is known. */
  readonly bytes: number | undefined;
  /** Undefined for a foreign file: nothing is known of what it should hold. */
  readonly stored: StoredBackup | undefined;
}

export interface StoredBackup {
  readonly storage: Storage;
  readonly backup: Backup;
}

/** The one backup that a selector means. When its last verification failed, that is said. */
export async function findBackup(
  storage: Storage,
  selector: Selector,
  ports: Ports,
  options: CallOptions,
): Promise<Backup> {
  const { target } = selector;
  const catalog = await loadCatalog(storage, { ...options, ...(target === undefined ? {} : { target }) });
  const backup = pickBackup(catalog, selector);
  if (!backup.good) {
    const subject = `${backup.manifest.target}/${backup.manifest.id}`;
    ports.reporter.report({ type: 'warning', subject, message: 'its last verification failed' });
  }
  return backup;
}

/** The same of a catalogue that was read just now, without a word about its verification. */
export function pickBackup(catalog: Catalog, selector: Selector): Backup {
  refuseUnreadable(catalog, selector);
  return selectBackup(catalog.backups, selector);
}

/**
 * A backup whose manifest cannot be read may be the very one that is meant. To take the next older one in silence
 * would restore the wrong day, or call proven what is damaged.
 */
function refuseUnreadable({ backups, broken }: Catalog, selector: Selector): void {
  const found = filterBackups(backups, selector).toSorted(byTime).at(-1);
  const meant = broken.find(({ prefix }) => mayMean(selector, prefix, found));
  if (meant === undefined) return;
  throw (
    meant.unread ??
    new DbopsError('DAMAGED', `${meant.prefix} cannot be read: ${meant.reason}`, {
      hint: 'To use another backup, give its id: see `dbops list`.',
    })
  );
}

function mayMean({ name, target, at }: Selector, prefix: string, found: Backup | undefined): boolean {
  const [owner, id = ''] = prefix.split('/');
  if (target !== undefined && owner !== target) return false;
  if (name !== 'latest') return id.startsWith(name);
  // Only its name is left to tell when it was made, to the second.
  const second = compactTime(new Date(0)).length;
  if (at !== undefined && id.slice(0, second) > compactTime(at)) return false;
  return found === undefined || id.slice(0, second) >= found.manifest.id.slice(0, second);
}

export async function openStored(stored: StoredBackup, ports: Ports): Promise<Restorable> {
  const { storage, backup } = stored;
  const { manifest, prefix } = backup;
  const recall = createRecall(storage, prefix, manifest, ports.codecs);
  return {
    label: `${manifest.target}/${manifest.id}`,
    engine: await ports.engineByName(manifest.engine),
    parts: openParts(storage, prefix, manifest.parts, ports.codecs, async (options) => (await recall(options)).raw),
    encrypted: isEncrypted(manifest),
    recall,
    bytes: rawBytes(manifest),
    stored,
  };
}

function rawBytes({ parts, source }: Manifest): number {
  const sizes = parts.map(({ raw }) => raw?.bytes);
  const known = sizes.filter((bytes) => bytes !== undefined);
  return known.length < sizes.length ? source.bytes : known.reduce((sum, bytes) => sum + bytes, 0);
}

export function isEncrypted({ parts }: Manifest): boolean {
  return parts.some(({ codecs }) => codecs.some(({ id }) => id === 'age'));
}

/** What is known of the database that a backup was made of; nothing of a foreign file's. */
export async function originOf(
  { stored, recall }: Restorable,
  callOptions: CallOptions,
): Promise<Pick<StageRequest, 'dumped' | 'settings'>> {
  if (stored === undefined) return {};
  const { options, settings } = await recall(callOptions);
  const dumped = readDumpOptions(options);
  return { settings, ...(dumped === undefined ? {} : { dumped }) };
}

/** A backup's folder that was named by its path, wherever it stands now: its manifest says what it is. */
export async function findFolder(storage: Storage, options: CallOptions): Promise<Backup> {
  const objects: ObjectInfo[] = [];
  for await (const info of storage.list('', options)) objects.push(info);
  if (!objects.some(({ key }) => key === MANIFEST_NAME)) {
    throw new DbopsError('NOTHING_MATCHES', `${storage.label} is a folder without a ${MANIFEST_NAME}`, {
      hint: 'Name the folder of one backup. To choose from a whole storage, use --storage and an id or `latest`.',
    });
  }
  return readBackup(storage, '', objects, options);
}
