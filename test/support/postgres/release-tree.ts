import { execFileSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  globSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import type { PostgresVersion } from './versions.ts';

/** Releases of Debian that have a version, the calmest first. */
const releases: Readonly<Record<PostgresVersion, readonly string[]>> = {
  '15': ['bookworm'],
  '17': ['trixie'],
  '18': ['forky', 'sid'],
};

export interface ReleaseTree {
  /** Holds packages of another release, unpacked and not installed. */
  readonly root: string;
  /** Its programs, as scripts that run anywhere on this machine. */
  readonly binDir: string;
}

/** Where the tree of a version lies, made or not. */
export function releaseTree(version: PostgresVersion): ReleaseTree {
  const cache = process.getuid?.() === 0 ? '/var/cache' : join(homedir(), '.cache');
  const root = join(cache, 'dbops-test', `postgresql-${version}`);
  return { root, binDir: join(root, 'usr/lib/postgresql', version, 'bin') };
}

/**
 * Unpacks the server and all it depends on, from the mirror that this machine's apt uses and checked by apt. Nothing is
 * installed and there is no chroot: each program is started by the dynamic loader of its own release, so that paths,
 * sockets and users are those of this machine. The tree appears whole or not at all, and one process makes it.
 * @throws when the mirror has no such version.
 */
export function buildReleaseTree(version: PostgresVersion, { root, binDir }: ReleaseTree): void {
  mkdirSync(dirname(root), { recursive: true, mode: 0o755 });
  const lock = openSync(`${root}.lock`, 'w');
  try {
    // The lock belongs to the open file, which this process keeps: it ends with the process.
    execFileSync('flock', ['-x', '3'], { stdio: ['ignore', 'ignore', 'inherit', lock] });
    if (existsSync(binDir)) return;
    const partial = `${root}.partial`;
    rmSync(partial, { recursive: true, force: true });
    mkdirSync(join(partial, 'root'), { recursive: true, mode: 0o755 });
    unpack(version, partial);
    wrapPrograms(join(partial, 'root'), root, version);
    renameSync(join(partial, 'root'), root);
    rmSync(partial, { recursive: true, force: true });
  } finally {
    closeSync(lock);
  }
}

function unpack(version: PostgresVersion, partial: string): void {
  const site = mirror();
  const failures: string[] = [];
  for (const release of releases[version]) {
    try {
      download(version, release, site, partial);
      break;
    } catch (error) {
      failures.push(`${release}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  if (failures.length === releases[version].length) {
    throw new Error(`PostgreSQL ${version} cannot be had for the tests\n${failures.join('\n')}`);
  }
  for (const archive of globSync(join(partial, 'cache/archives/*.deb'))) {
    execFileSync('dpkg-deb', ['-x', archive, join(partial, 'root')]);
  }
}

/** The address of Debian's main archive, from apt's own configuration. */
function mirror(): string {
  const ask = (): string | undefined =>
    execFileSync('apt-get', ['indextargets', '--format', '$(SITE)', 'Created-By: Packages', 'Label: Debian'], {
      encoding: 'utf8',
    })
      .split('\n')
      .find((line) => line !== '');
  const known = ask();
  if (known !== undefined) return known;
  // Without fetched lists apt does not know whose archive is whose.
  execFileSync('apt-get', ['update', '-qq'], { stdio: ['ignore', 'ignore', 'inherit'] });
  const site = ask();
  if (site === undefined) throw new Error('no archive of Debian is among the sources of apt');
  return site;
}

const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** Resolves and fetches by an apt that knows only this release and believes that nothing is installed. */
function download(version: PostgresVersion, release: string, site: string, partial: string): void {
  for (const folder of ['state/lists/partial', 'cache/archives/partial', 'parts']) {
    mkdirSync(join(partial, folder), { recursive: true });
  }
  const signed = existsSync(keyring) ? `[signed-by=${keyring}] ` : '';
  writeFileSync(join(partial, 'sources.list'), `deb ${signed}${site} ${release} main\n`);
  writeFileSync(join(partial, 'status'), '');
  const options = Object.entries({
    'Dir::State': join(partial, 'state'),
    'Dir::State::status': join(partial, 'status'),
    'Dir::Cache': join(partial, 'cache'),
    'Dir::Etc::sourcelist': join(partial, 'sources.list'),
    'Dir::Etc::sourceparts': join(partial, 'parts'),
    'Dir::Etc::preferencesparts': join(partial, 'parts'),
    'Dir::Etc::preferences': '/dev/null',
    'APT::Sandbox::User': 'root',
    // A release that nobody refreshes any more is good enough to test with; its signature is checked all the same.
    'Acquire::Check-Valid-Until': 'false',
    'Acquire::Languages': 'none',
    'Acquire::IndexTargets::deb::DEP-11::DefaultEnabled': 'false',
  }).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  const apt = (...args: string[]): void => {
    execFileSync('apt-get', [...options, '-qq', ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
  };
  apt('update');
  apt('install', '-y', '--no-install-recommends', '--download-only', `postgresql-${version}`);
}

/**
 * Puts a script in the place of each program. PostgreSQL finds its other programs and its files by the name it was
 * called with, so that name is the script's.
 */
function wrapPrograms(built: string, root: string, version: PostgresVersion): void {
  const programs = `usr/lib/postgresql/${version}/programs`;
  const bin = `usr/lib/postgresql/${version}/bin`;
  const [loader] = globSync('usr/lib*/ld-linux-*.so.*', { cwd: built }).concat(
    globSync('usr/lib/*/ld-linux-*.so.*', { cwd: built }),
  );
  if (loader === undefined) throw new Error(`no dynamic loader came with PostgreSQL ${version}`);
  const libraries = globSync('usr/lib/*-linux-gnu*', { cwd: built }).map((folder) => join(root, folder));
  renameSync(join(built, bin), join(built, programs));
  mkdirSync(join(built, bin), { mode: 0o755 });
  for (const name of readdirSync(join(built, programs)).map((name) => basename(name))) {
    const start = [join(root, loader), '--inhibit-cache', '--library-path', libraries.join(':')];
    const called = ['--argv0', join(root, bin, name), join(root, programs, name)];
    const line = [...start, ...called].map((word) => `'${word.replaceAll("'", String.raw`'\''`)}'`).join(' ');
    writeFileSync(join(built, bin, name), `#!/bin/sh\nexec ${line} "$@"\n`, { mode: 0o755 });
  }
}
