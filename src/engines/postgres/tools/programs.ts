import { realpath } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { DbopsError } from '../../../core/errors.ts';
import { findTool, outputOfProgram } from '../../../platform/child.ts';
import { distributionFolders, programFolders } from './program-folders.ts';
import { compareVersions, parseProgramVersion, type ProgramVersion } from './program-version.ts';

export interface ProgramSearch {
  /** PATH of the environment. */
  readonly path: string | undefined;
  /** Look here and nowhere else. */
  readonly binDir: string | undefined;
  /** Major version of the server, or 0 for any; the programs may be newer, never older. */
  readonly atLeastMajor: number;
  /** Patterns of folders beside PATH. @default where distributions keep them */
  readonly folders?: readonly string[];
}

/** Programs of one folder. */
export interface Programs<N extends string = string> {
  readonly folder: string;
  /** The lowest that one of them reports. */
  readonly version: ProgramVersion;
  /** Absolute path of each program. */
  readonly paths: Readonly<Record<N, string>>;
}

export type ServerProgram = 'initdb' | 'postgres';
export type ClientProgram = 'pg_dump' | 'pg_dumpall' | 'pg_restore' | 'psql';

/**
 * Finds the programs that run a server.
 * @throws DbopsError TOOL_MISSING
 */
export function findServerPrograms(search: ProgramSearch): Promise<Programs<ServerProgram>> {
  const { atLeastMajor: major } = search;
  return findPrograms(['initdb', 'postgres'], search, {
    what: `the server programs of PostgreSQL ${major}, for a throw-away cluster,`,
    hint:
      `Install postgresql-${major} (Debian, Ubuntu) or postgresql${major}-server (RHEL), name the folder of its ` +
      `programs with binDir, or name a server to test on with --scratch-url.`,
  });
}

/**
 * Finds client programs for a server, all in one folder and as close to the server's version as there are.
 * @throws DbopsError TOOL_MISSING
 */
export function findClientPrograms<N extends ClientProgram>(
  search: ProgramSearch & { readonly names: readonly N[] },
): Promise<Programs<N>> {
  const { atLeastMajor: major, names } = search;
  if (major === 0) {
    return findPrograms(names, search, {
      what: names.join(' and '),
      hint: 'Install postgresql-client (Debian, Ubuntu) or postgresql (RHEL), or name the folder of its programs with binDir.',
    });
  }
  return findPrograms(names, search, {
    what: `${names.join(' and ')} for a server of PostgreSQL ${major}`,
    hint:
      `Install postgresql-client-${major} (Debian, Ubuntu) or postgresql${major} (RHEL), or name the folder of its ` +
      `programs with binDir. Older programs than the server cannot read it.`,
  });
}

interface Candidate<N extends string> {
  readonly folder: string;
  readonly paths: Readonly<Partial<Record<N, string>>>;
  readonly missing: readonly N[];
  readonly version: ProgramVersion | undefined;
}

async function findPrograms<N extends string>(
  names: readonly N[],
  { path, binDir, atLeastMajor, folders = distributionFolders }: ProgramSearch,
  words: { readonly what: string; readonly hint: string },
): Promise<Programs<N>> {
  const looked = await Promise.all(
    (await programFolders(binDir, path, folders)).map((folder) => examineFolder(folder, names, binDir === undefined)),
  );
  const candidates = [
    ...new Map(
      looked.flatMap((candidate) => (candidate === undefined ? [] : [[candidate.folder, candidate]])),
    ).values(),
  ];
  const fit = candidates
    .flatMap((candidate) => (isWhole(candidate) && candidate.version.major >= atLeastMajor ? [candidate] : []))
    // A stable sort: among equals of one major version, the first on PATH.
    .toSorted(
      (a, b) => a.version.major - b.version.major || Number(a.version.unreleased) - Number(b.version.unreleased),
    );
  const [best] = fit;
  if (best !== undefined) return { folder: best.folder, version: best.version, paths: best.paths };
  const found = candidates.slice(0, 6).map(describe).join('; ');
  const where = binDir === undefined ? 'not found' : `not in ${binDir}`;
  throw new DbopsError('TOOL_MISSING', `${words.what} ${where}${found === '' ? '' : ` (${found})`}`, {
    hint: words.hint,
  });
}

// Debian's programs on PATH are one script that chooses a version when it runs, by the cluster it is told of: what it
// says of its version is not what it will be. The real ones lie in the folders of the versions.
async function examineFolder<N extends string>(
  folder: string,
  names: readonly N[],
  passWrappers: boolean,
): Promise<Candidate<N> | undefined> {
  const found = names.flatMap((name) => {
    const path = findTool(name, folder);
    return path === undefined ? [] : [[name, path] as const];
  });
  if (found.length === 0) return undefined;
  const real = await Promise.all(found.map(([, path]) => realpath(path).catch(() => path)));
  if (passWrappers && real.some((path) => basename(path) === 'pg_wrapper')) return undefined;
  const home = homeOf(real, names) ?? folder;
  if (home !== folder) return examineFolder(home, names, passWrappers);
  const versions = await Promise.all(found.map(([, path]) => versionOf(path)));
  const known = versions.filter((version) => version !== undefined).toSorted(compareVersions);
  return {
    folder,
    paths: Object.fromEntries(found) as Partial<Record<N, string>>,
    missing: names.filter((name) => !found.some(([other]) => other === name)),
    version: known.length === versions.length ? known[0] : undefined,
  };
}

// Links to programs (alternatives, those of a package manager) lead to the folder that has all the others too. A link to
// something of another name is a launcher, which has to be called by its own.
function homeOf(real: readonly string[], names: readonly string[]): string | undefined {
  const [home, ...others] = new Set(real.map((path) => dirname(path)));
  if (home === undefined || others.length > 0) return undefined;
  return real.every((path) => names.includes(basename(path))) ? home : undefined;
}

const versions = new Map<string, Promise<ProgramVersion | undefined>>();

function versionOf(path: string): Promise<ProgramVersion | undefined> {
  const known = versions.get(path);
  if (known !== undefined) return known;
  // One that cannot run here (another processor's, a missing library) is as good as none.
  const asked = outputOfProgram(path, ['--version']).then(parseProgramVersion, () => undefined);
  versions.set(path, asked);
  return asked;
}

function isWhole<N extends string>(
  candidate: Candidate<N>,
): candidate is Candidate<N> & { readonly paths: Readonly<Record<N, string>>; readonly version: ProgramVersion } {
  return candidate.missing.length === 0 && candidate.version !== undefined;
}

function describe({ folder, missing, version }: Candidate<string>): string {
  if (missing.length > 0) return `${folder} lacks ${missing.join(', ')}`;
  return version === undefined ? `those in ${folder} do not run` : `${folder} has ${version.text}`;
}
