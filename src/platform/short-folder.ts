import { chmod, lstat, mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DbopsError } from '../core/errors.ts';
import { canReach, type Account } from './account.ts';
import { storageError } from './file-error.ts';
import { livenessOf, ownIdentity, type ProcessIdentity } from './process-identity.ts';
import { endProcessesIn } from './processes-in.ts';

export interface ShortFolderRequest {
  /** Where to make it: the first that will do. */
  readonly parents: readonly string[];
  /** Longest path in bytes. */
  readonly maxBytes: number;
  /** Another user who must be able to pass through it. */
  readonly account: Account | undefined;
  /** Folders elsewhere that belong to it and go with it. */
  readonly belongings: readonly string[];
  /** The program that runs in them, and that is ended before they are removed. */
  readonly program: string;
}

interface Ownership {
  readonly owner: ProcessIdentity;
  readonly belongings: readonly string[];
  readonly program: string;
}

const prefix = '.dbops-';
const namePattern = /^\.dbops-[A-Za-z0-9]{6}$/;
const ownershipFile = 'owner.json';

// What nobody can be asked about any more (another container's, an unreadable record) is litter after this time.
const unknownOwnerMs = 7 * 86_400_000;

/**
 * Makes a private folder whose path is short enough for a socket, in a temporary folder. It says whose it is and what
 * belongs to it elsewhere, so that a later run can end and remove what a killed one left; such leftovers are removed here.
 * @throws DbopsError STORAGE_FAILED, NO_SPACE
 */
export async function openShortFolder(request: ShortFolderRequest): Promise<string> {
  const parent = await fittingParent(request);
  await sweep(parent);
  try {
    const folder = await mkdtemp(join(parent, prefix));
    const ownership: Ownership = { owner: ownIdentity(), belongings: request.belongings, program: request.program };
    await writeFile(join(folder, ownershipFile), JSON.stringify(ownership), { flag: 'wx', mode: 0o600 });
    if (request.account !== undefined) await chmod(folder, 0o711);
    return folder;
  } catch (error) {
    throw storageError(error, `cannot make a folder for a socket in ${parent}`);
  }
}

/** Ends what runs in a folder of `openShortFolder`, removes what belongs to it, and then itself. Does nothing twice. */
export async function removeShortFolder(folder: string): Promise<void> {
  const ownership = await readOwnership(folder);
  if (ownership !== undefined) {
    for (const place of [...ownership.belongings, folder]) await endProcessesIn(place, ownership.program);
    for (const place of ownership.belongings) await removeFolder(place);
  }
  await removeFolder(folder);
}

async function fittingParent({ parents, maxBytes, account }: ShortFolderRequest): Promise<string> {
  for (const parent of parents) {
    const place = await realpath(parent).catch(() => undefined);
    // A comma parts hosts and socket folders wherever PostgreSQL reads them.
    if (place === undefined || place.includes(',')) continue;
    if (Buffer.byteLength(join(place, `${prefix}123456`)) > maxBytes) continue;
    if (account === undefined || (await canReach(account, place).catch(() => false))) return place;
  }
  throw new DbopsError('STORAGE_FAILED', `no temporary folder will do for a socket: ${parents.join(', ')}`, {
    hint: 'Set TMPDIR to a folder with a short name that every user may pass through, such as /tmp.',
  });
}

async function sweep(parent: string): Promise<void> {
  const names = (await readdir(parent)).filter((name) => namePattern.test(name));
  for (const name of names) {
    const folder = join(parent, name);
    // What cannot be removed now must not stop this run; the next one tries again.
    if (await isAbandoned(folder)) await removeShortFolder(folder).catch(() => undefined);
  }
}

async function isAbandoned(folder: string): Promise<boolean> {
  const info = await lstat(folder).catch(() => undefined);
  // Others may write into a temporary folder too: their record must not lead us to remove what is ours.
  if (info === undefined || !info.isDirectory() || info.uid !== process.getuid?.() || (info.mode & 0o022) !== 0) {
    return false;
  }
  const ownership = await readOwnership(folder);
  const liveness = ownership === undefined ? 'unknown' : livenessOf(ownership.owner);
  if (liveness !== 'unknown') return liveness === 'dead';
  return Date.now() - info.mtimeMs > unknownOwnerMs;
}

async function readOwnership(folder: string): Promise<Ownership | undefined> {
  try {
    const value = JSON.parse(await readFile(join(folder, ownershipFile), 'utf8')) as Partial<Ownership>;
    const { owner, belongings, program } = value;
    if (typeof program !== 'string' || typeof owner?.pid !== 'number' || !Array.isArray(belongings)) return undefined;
    if (!belongings.every((place) => typeof place === 'string' && place.startsWith('/'))) return undefined;
    return { owner, belongings, program };
  } catch {
    return undefined;
  }
}

// Something that was just ended may have written for a moment; then removing needs a second look.
async function removeFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
}
