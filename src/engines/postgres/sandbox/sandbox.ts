import { existsSync } from 'node:fs';
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DbopsError } from '../../../core/errors.ts';
import { findAccount, runsAsRoot, type Account } from '../../../platform/account.ts';
import { storageError } from '../../../platform/file-error.ts';
import { openShortFolder, removeShortFolder } from '../../../platform/short-folder.ts';
import type { ProgramVersion } from '../tools/program-version.ts';
import type { Programs, ServerProgram } from '../tools/programs.ts';
import { SANDBOX_PORT, SANDBOX_USER } from './cluster-settings.ts';
import { startGuard, type Guard } from './guard-client.ts';

/** A throw-away cluster. Disposing ends it and removes its files; so does the end of dbops, however it comes. */
export interface Sandbox extends AsyncDisposable {
  /** Variables with which libpq reaches it as its superuser, in the database `postgres`. */
  readonly env: Readonly<Record<string, string>>;
  readonly version: ProgramVersion;
  readonly binDir: string;
  /** Its locale: `C` where the wanted one is not installed here or does not go with the encoding. */
  readonly locale: string;
  /** The last that its programs wrote, at most 64 Ki characters. */
  log(): string;
}

export interface SandboxRequest {
  readonly programs: Programs<ServerProgram>;
  /** An existing folder with room for the data. */
  readonly scratch: string;
  /** A server encoding: `UTF8`, `LATIN1`. */
  readonly encoding: string;
  /** A locale of the operating system: `C`, `en_US.UTF-8`. */
  readonly locale: string;
  /** More settings of the server. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Where the socket's folder is tried first. @default the system's */
  readonly temporaryFolder?: string;
  readonly signal: AbortSignal;
}

// PostgreSQL refuses to run as root.
const accountNames: readonly string[] = ['nobody', 'postgres'];

// Those of other systems (`English_United States.1252`) are never installed here.
const localePattern = /^[A-Za-z0-9_.@-]{1,100}$/;

// A socket's path has at most 107 bytes on Linux, 103 on macOS; `/s/.s.PGSQL.5432` is appended.
const homeBytes = 103 - '/s/.s.PGSQL.5432'.length;

/**
 * Makes a cluster with the installed server programs and starts it: durable in nothing, reachable by its private socket
 * only. What killed runs left is ended and removed first.
 * @throws DbopsError TOOL_FAILED, STORAGE_FAILED, NO_SPACE, REFUSED, USAGE
 */
export async function startSandbox(request: SandboxRequest): Promise<Sandbox> {
  const { programs, signal } = request;
  refuseOddEncoding(request.encoding);
  signal.throwIfAborted();
  const account = runsAsRoot() ? await lesserAccount() : undefined;
  const place = await makePlace(request, account);
  const guard = await openGuard(place, signal);
  const socketFolder = join(place.home, 's');
  try {
    const locale = await guard.start({
      programs: programs.paths,
      data: place.data,
      socketFolder,
      encoding: request.encoding,
      locale: localePattern.test(request.locale) ? request.locale : 'C',
      settings: request.settings ?? {},
      account: account === undefined ? null : { uid: account.uid, gid: account.gid },
    });
    return {
      env: { PGHOST: socketFolder, PGPORT: SANDBOX_PORT, PGUSER: SANDBOX_USER, PGDATABASE: SANDBOX_USER },
      version: programs.version,
      binDir: programs.folder,
      locale,
      log: () => guard.log(),
      [Symbol.asyncDispose]: () => guard[Symbol.asyncDispose](),
    };
  } catch (error) {
    await guard[Symbol.asyncDispose]();
    throw error;
  }
}

function refuseOddEncoding(encoding: string): void {
  if (/^[A-Za-z0-9_-]{1,40}$/.test(encoding)) return;
  throw new DbopsError('USAGE', `${JSON.stringify(encoding.slice(0, 100))} is no encoding of a database`, {
    hint: 'It looks like UTF8 or LATIN1. Name a server to test on with --scratch-url instead.',
  });
}

async function lesserAccount(): Promise<Account> {
  const account = await findAccount(accountNames);
  if (account !== undefined) return account;
  throw new DbopsError('REFUSED', 'PostgreSQL does not run as root, and there is no lesser user to run it', {
    hint: `Run dbops as an ordinary user, or add the user ${accountNames.at(-1)}.`,
  });
}

interface Place {
  readonly home: string;
  readonly data: string;
}

async function openGuard({ home }: Place, signal: AbortSignal): Promise<Guard> {
  try {
    return startGuard(home, signal);
  } catch (error) {
    await removeShortFolder(home);
    throw error;
  }
}

async function makePlace({ scratch, temporaryFolder }: SandboxRequest, account: Account | undefined): Promise<Place> {
  // Without /proc, a lesser user cannot be led into a scratch folder of root's.
  const inScratch = account === undefined || existsSync('/proc/self/fd');
  const data = inScratch ? await makeData(scratch) : undefined;
  try {
    const home = await openShortFolder({
      parents: [temporaryFolder ?? tmpdir(), '/tmp', '/var/tmp'],
      maxBytes: homeBytes,
      account,
      belongings: data === undefined ? [] : [data],
      program: 'postgres',
    });
    return { home, data: data ?? join(home, 'data') };
  } catch (error) {
    if (data !== undefined) await rm(data, { recursive: true, force: true });
    throw error;
  }
}

async function makeData(scratch: string): Promise<string> {
  try {
    return await mkdtemp(join(await realpath(scratch), 'cluster-'));
  } catch (error) {
    throw storageError(error, `cannot make a folder for a throw-away cluster in ${scratch}`);
  }
}
