import { createWriteStream, existsSync } from 'node:fs';
import { readlink, realpath, rm, stat, statfs } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { DbopsError, hasCode } from '../../core/errors.ts';
import type {
  DatabaseAddress,
  DestinationState,
  PartSource,
  PromoteRequest,
  Promotion,
  RestoreOptions,
  StageRequest,
  Staging,
} from '../../core/ports/engine.ts';
import type { CallOptions } from '../../core/ports/storage.ts';
import { scratchOf } from '../../core/scratch-place.ts';
import { shellWord } from '../../core/shell-line.ts';
import { storageError } from '../../platform/file-error.ts';
import { usersOfFiles } from '../../platform/open-files.ts';
import { startAgent, type Agent } from './agent-client.ts';
import { sidecars } from './jobs/keep-file.ts';

/** Looks at where a restored file would go, without opening it. */
export async function survey({ location }: DatabaseAddress, _options: CallOptions): Promise<DestinationState> {
  const path = await resolveDestination(location);
  const folder = dirname(path);
  const info = await stat(path).catch(() => undefined);
  const { bavail, bsize } = await statfs(folder);
  return {
    exists: info !== undefined,
    bytes: info?.size ?? 0,
    users: info === undefined ? [] : await usersOf(path),
    freeBytes: bavail * bsize,
    scratchParent: folder,
    stagedAs: folder,
    keptAs: (stamp) => keptAs(path, stamp),
  };
}

function keptAs(path: string, stamp: string): string {
  return `${path}.pre-restore.${stamp}`;
}

function usersOf(path: string): Promise<string[]> {
  return usersOfFiles([path, ...sidecars.map((suffix) => path + suffix)]);
}

/** Follows links of an existing file: replacing the link would leave the application with the old database. */
export async function resolveDestination(location: string): Promise<string> {
  const path = await realpath(location).catch(async (error: unknown) => {
    if (!hasCode(error, 'ENOENT')) throw storageError(error, `cannot look at ${location}`);
    const folder = await realpath(dirname(location)).catch(() => undefined);
    if (folder !== undefined) return refuseDangling(join(folder, basename(location)));
    throw new DbopsError('USAGE', `the folder of ${location} does not exist`, {
      hint: `Run: mkdir -p '${dirname(location)}'`,
    });
  });
  const info = await stat(path).catch(() => undefined);
  if (info === undefined || info.isFile()) return path;
  throw new DbopsError('USAGE', `${location} is ${info.isDirectory() ? 'a folder' : 'not a regular file'}`, {
    hint: 'Name the database file itself with --into.',
  });
}

/** Nothing can be placed under the name of such a link, and nobody said that it is to be replaced. */
async function refuseDangling(path: string): Promise<string> {
  const target = await readlink(path).catch(() => undefined);
  if (target === undefined) return path;
  throw new DbopsError('USAGE', `${path} is a link to nothing`, {
    hint: `Remove the link, or name the file it should lead to (${target}) with --into.`,
  });
}

type CopyRequest = Pick<StageRequest, 'signal' | 'onProgress'>;

/** Writes the part into the scratch folder. The stream's own end check has proven its bytes when this resolves. */
export async function stage(
  parts: PartSource,
  destination: DatabaseAddress | undefined,
  request: StageRequest,
): Promise<Staging> {
  refuseOptions(request.options ?? {});
  const file = join(scratchOf(request), 'restored.db');
  await writeFirstPart(parts, file, request);
  const agent = startAgent(request.signal);
  const named = <T>(work: Promise<T>): Promise<T> => work.catch((error: unknown) => nameSource(error, file, parts));
  try {
    await named(agent.run('settle', { path: file }));
  } catch (error) {
    await agent[Symbol.asyncDispose]();
    throw error;
  }
  return {
    examine: ({ facts, checks }) => named(agent.run('examine', { path: file, facts, checks })),
    promote: (promotion) => promote(agent, file, destination, promotion),
    [Symbol.asyncDispose]: () => agent[Symbol.asyncDispose](),
  };
}

/** A copy of the file is all of it or nothing, and belongs to whoever made it. */
function refuseOptions({ owner, acl, globals, jobs, schemaOnly, keepGoing, allowCommands }: RestoreOptions): void {
  const asked = Object.entries({ owner, acl, globals, jobs, schemaOnly, keepGoing, allowCommands });
  const [first] = asked.find(([, value]) => value !== undefined && value !== false) ?? [];
  if (first === undefined) return;
  throw new DbopsError('USAGE', `a restore of SQLite has no option ${first}`, {
    hint: 'A whole database is restored; for single tables use --table.',
  });
}

/** The scratch copy is gone when people read the message; what it was made from is not. */
export function nameSource(error: unknown, copy: string, { parts }: PartSource): never {
  if (!(error instanceof DbopsError) || !error.message.includes(copy)) throw error;
  const message = error.message.replaceAll(copy, `the database in ${parts[0]?.name ?? 'the backup'}`);
  const salvage = 'Use another backup, or salvage what is left of a copy with `sqlite3 file .recover`.';
  const hint = error.code === 'DAMAGED' ? salvage : error.hint;
  throw new DbopsError(error.code, message, { ...(hint === undefined ? {} : { hint }), cause: error });
}

export async function writeFirstPart(parts: PartSource, file: string, request: CopyRequest): Promise<void> {
  const [part] = parts.parts;
  if (part === undefined) throw new DbopsError('DAMAGED', 'the backup has no database file');
  let bytes = 0;
  const source = await parts.open(part.name, request);
  source.on('data', (chunk: Buffer) => request.onProgress((bytes += chunk.length), part.bytes));
  source.pause();
  try {
    await pipeline(source, createWriteStream(file, { flags: 'wx', mode: 0o600, highWaterMark: 1 << 20 }));
  } catch (error) {
    request.signal.throwIfAborted();
    throw storageError(error, `cannot write ${file}`);
  }
  if (bytes === 0) throw new DbopsError('DAMAGED', `${part.name} is empty (0 bytes)`, { hint: 'Use another backup.' });
}

async function promote(
  agent: Agent,
  staged: string,
  destination: DatabaseAddress | undefined,
  { settings, allowOpen, dropOld = false, stamp }: PromoteRequest,
): Promise<Promotion> {
  if (destination === undefined) throw new Error('staged without a destination');
  const path = await resolveDestination(destination.location);
  // Since the survey the whole backup was copied and checked, and an application may have been started.
  const users = await usersOf(path);
  if (users.length > 0 && !allowOpen) {
    throw new DbopsError('REFUSED', `${path} is in use by ${users.join(', ')}`, {
      hint: 'Stop the application and run this again, or add --allow-open and restart the application afterwards.',
    });
  }
  const { kept, warnings } = await agent.run('promote', {
    staged,
    destination: path,
    keepAs: keptAs(path, stamp),
    wal: settings['journal'] === 'wal',
    allowOpen,
    used: users.length > 0,
    lockTimeoutMs: destination.lockTimeoutMs,
  });
  if (kept !== null && !dropOld) return { kept, undo: undoLine(kept, path), drop: dropLine(kept), warnings };
  if (kept !== null) for (const file of keptFiles(kept)) await rm(file);
  return { kept: undefined, undo: undefined, drop: undefined, warnings };
}

function keptFiles(kept: string): string[] {
  return ['', ...sidecars].map((suffix) => kept + suffix).filter((file) => existsSync(file));
}

function dropLine(kept: string): string {
  return `rm ${keptFiles(kept).map(shellWord).join(' ')}`;
}

/**
 * Removes what would be replayed into the kept database, and moves back what belongs to it: its `-shm` too, through
 * which an application that still has it open agrees with others.
 */
function undoLine(kept: string, path: string): string {
  const stale = sidecars.map((suffix) => shellWord(path + suffix)).join(' ');
  const moves = [...sidecars, '']
    .filter((suffix) => suffix === '' || existsSync(kept + suffix))
    .map((suffix) => `mv ${shellWord(kept + suffix)} ${shellWord(path + suffix)}`);
  return [`rm -f ${stale}`, ...moves].join(' && ');
}
