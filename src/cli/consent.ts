import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Target } from '../config/settings.ts';
import { DbopsError } from '../core/errors.ts';
import { MANIFEST_NAME, SUMS_NAME } from '../core/manifest.ts';
import type { Restorable } from '../operations/restorable.ts';
import { addressOf } from './addresses.ts';
import type { Session } from './session.ts';

export interface Replacement {
  readonly subject: Restorable;
  readonly target: Target;
  /** Location of the database that would be replaced, wholly or in parts. */
  readonly into: string;
  /** `--yes-replace` */
  readonly named: string | undefined;
}

/** A word that is missing, and the refusal without it. */
export interface Demand {
  readonly flag: string;
  readonly error: DbopsError;
}

/**
 * The name that still has to be given before a database may be replaced: a protected one, and one that the backup is
 * not of, want their own.
 * @throws DbopsError USAGE when a name was given, and it is another database's.
 */
export function missingName(session: Session, { subject, target, into, named }: Replacement): Demand | undefined {
  const owners = ownersOf(session, target, into);
  const names = owners.map(({ name }): string => name);
  const guard = owners.find((owner) => owner.protected);
  if (named !== undefined && !(guard === undefined ? names : [guard.name]).includes(named)) {
    throw wrongName(into, named, guard?.name ?? names[0]);
  }
  if (named !== undefined) return undefined;
  if (guard !== undefined) return demand(`${into} is the protected target ${guard.name}`, guard.name);
  const origin = subject.stored?.backup.manifest.target;
  const owner = owners.find((each) => each.named)?.name;
  if (origin === undefined || owner === undefined || names.includes(origin)) return undefined;
  return demand(`the backup is of ${origin}, and ${into} is the target ${owner}`, owner);
}

function demand(message: string, name: string): Demand {
  const flag = `--yes-replace ${name}`;
  const hint = `Add ${flag} if that database is really to be replaced.`;
  return { flag, error: new DbopsError('REFUSED', message, { hint }) };
}

function wrongName(into: string, named: string, owner: string | undefined): DbopsError {
  return new DbopsError('USAGE', `--yes-replace ${named} is not the name of ${into}`, {
    hint:
      owner === undefined ? 'No target has that database: use --yes.' : `Write --yes-replace ${owner} to replace it.`,
  });
}

/** The protected target whose database is at this place, by whatever path it was named. */
export function protectedAt(session: Session, target: Target, place: string): Target | undefined {
  return ownersOf(session, target, place).find((owner) => owner.protected);
}

/** The targets whose database it is; one that none has is known by the name its own backups would have. */
function ownersOf(session: Session, target: Target, into: string): readonly Target[] {
  const configured = session.settings.targetNames.map((name) => session.targetOf(name));
  const owners = configured.filter(
    (other) => (target.named && other.name === target.name) || isAt(session, target, other, into),
  );
  if (owners.length > 0) return owners;
  return configured.some(({ name }) => name === target.name) ? [] : [target];
}

function isAt(session: Session, target: Target, other: Target, into: string): boolean {
  const { world, host } = session;
  try {
    const driver = world.engineForAddress(other.address);
    if (driver.name !== world.engineForAddress(target.address).name) return false;
    const { location } = addressOf(session, other);
    return driver.places === 'file' ? isSameFile(location, into) : driver.isSame(location, into, host.env);
  } catch (error) {
    // A target whose address cannot be read, or is of a kind that this dbops does not know, is nowhere.
    if (error instanceof DbopsError && error.code === 'USAGE') return false;
    throw error;
  }
}

/** Whether two paths lead to one file: through links of either kind, or to one place where nothing is yet. */
function isSameFile(one: string, other: string): boolean {
  if (realPlace(one) === realPlace(other)) return true;
  const [a, b] = [one, other].map((path) => statSync(path, { bigint: true, throwIfNoEntry: false }));
  return a !== undefined && b !== undefined && a.dev === b.dev && a.ino === b.ino;
}

function realPlace(path: string): string {
  try {
    return existsSync(path) ? realpathSync(path) : join(realpathSync(dirname(path)), basename(path));
  } catch {
    // Neither it nor its folder can be reached: nothing else can lead there.
    return path;
  }
}

/**
 * Nothing may be changed in a backup, nor anything be added to it.
 * @throws DbopsError REFUSED
 */
export function refuseInsideBackup(path: string): void {
  if (!isBackupFolder(dirname(realPlace(path)))) return;
  throw new DbopsError('REFUSED', `${path} is inside a backup's folder`, { hint: 'Name a place outside of it.' });
}

/**
 * A restore must not put a database in the place of a file that is none: the path is a mistake then. What a server has
 * under a name is always a database.
 * @throws DbopsError REFUSED
 */
export async function refuseUnfit({ ports, world }: Session, { address }: Target, into: string): Promise<void> {
  if (world.engineForAddress(address).places === 'server') return;
  refuseInsideBackup(into);
  const path = realPlace(into);
  const info = await stat(path).catch(() => undefined);
  if (info === undefined || !info.isFile() || info.size === 0) return;
  if ((await ports.engineByHead(await readHead(path))) !== undefined) return;
  throw new DbopsError('REFUSED', `${into} is not a database that dbops knows`, {
    hint: 'Move that file away first, or name another place with --into.',
  });
}

function isBackupFolder(folder: string): boolean {
  if (existsSync(join(folder, SUMS_NAME))) return true;
  const manifest = join(folder, MANIFEST_NAME);
  // Other programs have files of that name too.
  return existsSync(manifest) && readFileSync(manifest, 'utf8').includes('"formatVersion"');
}

async function readHead(path: string): Promise<Buffer> {
  await using file = await open(path, 'r');
  const { buffer, bytesRead } = await file.read(Buffer.alloc(512), 0, 512, 0);
  return buffer.subarray(0, bytesRead);
}
