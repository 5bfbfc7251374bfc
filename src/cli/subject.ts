import { existsSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { ChosenStorage } from '../config/storage-choice.ts';
import type { Catalog } from '../core/catalog.ts';
import { DbopsError } from '../core/errors.ts';
import type { Storage } from '../core/ports/storage.ts';
import { byTime, filterBackups } from '../core/selector.ts';
import { openForeign, openForeignFolder } from '../operations/foreign.ts';
import { loadCatalog } from '../operations/load-catalog.ts';
import { findBackup, findFolder, openStored, type Restorable } from '../operations/restorable.ts';
import { portsToRead, type IdentityFlags } from './keys.ts';
import { parseTags, type Session } from './session.ts';

export interface SelectorFlags extends IdentityFlags {
  readonly storage?: string;
  readonly target?: string;
  readonly at?: Date;
  readonly tag?: readonly string[];
}

export interface OpenSubject extends AsyncDisposable {
  readonly subject: Restorable;
}

/** Opens what a selector means: a backup's folder or a foreign file when it is a path, else one of the storage. */
export async function openSubject(session: Session, word: string, flags: SelectorFlags): Promise<OpenSubject> {
  const { signal } = session;
  const ports = portsToRead(session, flags.target, flags);
  refuseAddress(word);
  const path = resolve(session.host.cwd, word);
  if (isPath(word) && !(existsSync(path) && statSync(path).isDirectory())) {
    return holding(await openForeign(path, ports, { signal }));
  }
  const foreign = isPath(word) ? await openForeignFolder(path, ports) : undefined;
  if (foreign !== undefined) return holding(foreign);
  const storage = isPath(word)
    ? await session.openStorage({ location: path, folder: session.host.cwd, settings: {} })
    : await storageOf(session, flags);
  try {
    const backup = isPath(word)
      ? await findFolder(storage, { signal })
      : await findBackup(storage, selectorOf(word, flags), ports, { signal });
    // Which keys are tried depends on whose backup it is.
    const own = portsToRead(session, backup.manifest.target, flags);
    return holding(await openStored({ storage, backup }, own), storage);
  } catch (error) {
    await storage[Symbol.asyncDispose]();
    throw isPath(word) ? error : namingOthers(error, storage, session, flags);
  }
}

/** One storage is read; whoever has several and finds nothing there has to hear of the others. */
function namingOthers(error: unknown, { label }: Storage, session: Session, flags: SelectorFlags): unknown {
  if (!(error instanceof DbopsError) || error.code !== 'NOTHING_MATCHES' || flags.storage !== undefined) return error;
  const others = otherStorages(session, flags);
  const hint =
    others.length === 0 ? error.hint : `Look into another storage: --storage ${others.join(' or --storage ')}.`;
  return new DbopsError(error.code, `${error.message} in ${label}`, {
    ...(hint === undefined ? {} : { hint }),
    cause: error,
  });
}

/** The locations that backups of a target go to as well. */
export function otherStorages({ settings }: Session, { target, storage }: SelectorFlags): readonly string[] {
  if (storage !== undefined) return [];
  const configured = target === undefined ? undefined : settings.configured(target);
  return settings
    .storagesOf(configured, [])
    .slice(1)
    .map(({ location }) => location);
}

/** Not shown: a password may stand in it. */
function refuseAddress(word: string): void {
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(word)) return;
  throw new DbopsError('USAGE', 'the address of a database stands where a backup is expected', {
    hint: 'Give `latest`, an id or a path; a database to restore into is named with --into.',
  });
}

/** The storage of the target that was named, or the default one. */
export function storageOf(session: Session, flags: SelectorFlags): Promise<Storage> {
  return session.openStorage(chosenStorage(session, flags));
}

/** The same, before it is opened. */
function chosenStorage({ settings }: Session, { target, storage }: SelectorFlags): ChosenStorage {
  return settings.storageOf(target === undefined ? undefined : settings.configured(target), storage);
}

/** Whether a storage is a folder that nobody has made yet, or one that is not mounted; its first backup makes it. */
export function isMissing({ traits }: Storage): boolean {
  return traits.scratchParent !== undefined && !existsSync(traits.scratchParent);
}

/** Every backup that fits, oldest first, and every folder of the target that cannot be read. */
export async function findAll(
  session: Session,
  storage: Storage,
  flags: SelectorFlags,
): Promise<Pick<Catalog, 'backups' | 'broken'>> {
  const only = flags.target === undefined ? {} : { target: flags.target };
  const { backups, broken } = await loadCatalog(storage, { signal: session.signal, ...only });
  return { backups: filterBackups(backups, selectorOf('latest', flags)).toSorted(byTime), broken };
}

function selectorOf(name: string, { target, at, tag }: SelectorFlags): Parameters<typeof findBackup>[1] {
  return { name, target, at, tags: parseTags(tag) };
}

// Ids and `latest` never hold a slash or a dot.
function isPath(word: string): boolean {
  return word.includes('/') || word.includes('.');
}

function holding(subject: Restorable, storage?: Storage): OpenSubject {
  return { subject, [Symbol.asyncDispose]: async () => storage?.[Symbol.asyncDispose]() };
}
