import type { Backup } from './catalog.ts';
import { DbopsError } from './errors.ts';

/** How a person names one backup: all given conditions hold, and the newest that fulfils them is meant. */
export interface Selector {
  /** `latest`, an id, or the unique beginning of one. */
  readonly name: string;
  readonly target?: string | undefined;
  /** The newest backup made at or before this time. */
  readonly at?: Date | undefined;
  readonly tags?: Readonly<Record<string, string>> | undefined;
}

/**
 * Picks exactly one backup.
 * @throws DbopsError NOTHING_MATCHES, or USAGE when the words fit backups of several targets or several ids.
 */
export function selectBackup(backups: readonly Backup[], selector: Selector): Backup {
  const matching = filterBackups(backups, selector);
  const newest = matching.toSorted(byTime).at(-1);
  if (newest === undefined) throw nothingMatches(backups, selector);
  const targets = new Set(matching.map((backup) => backup.manifest.target));
  if (targets.size > 1) {
    throw new DbopsError('USAGE', `${describe(selector)} fits backups of ${[...targets].toSorted().join(', ')}`, {
      hint: 'Add --target <name>.',
    });
  }
  if (selector.name !== 'latest' && matching.length > 1) {
    throw new DbopsError('USAGE', `${selector.name} is the beginning of ${matching.length} backups`, {
      hint: `Give more of the id, for example ${newest.manifest.id}.`,
    });
  }
  return newest;
}

/** All backups that fit, in no particular order. */
export function filterBackups(backups: readonly Backup[], selector: Selector): Backup[] {
  const { name, target, at, tags = {} } = selector;
  return backups.filter(
    ({ manifest }) =>
      // An empty word is a variable that somebody forgot to set.
      (name === 'latest' || (name !== '' && manifest.id.startsWith(name))) &&
      (target === undefined || manifest.target === target) &&
      (at === undefined || Date.parse(manifest.finishedAt) <= at.getTime()) &&
      Object.entries(tags).every(([key, value]) => manifest.tags[key] === value),
  );
}

/** Ascending by recorded time; ids only break ties, because a name may lie about time. */
export function byTime(a: Backup, b: Backup): number {
  const difference = Date.parse(a.manifest.finishedAt) - Date.parse(b.manifest.finishedAt);
  return difference === 0 ? (a.manifest.id < b.manifest.id ? -1 : 1) : difference;
}

function nothingMatches(backups: readonly Backup[], selector: Selector): DbopsError {
  const hint =
    backups.length === 0
      ? 'The storage holds no backup. Check --storage, or make one with `dbops backup`.'
      : 'See what there is with `dbops list`.';
  return new DbopsError('NOTHING_MATCHES', `no backup matches ${describe(selector)}`, { hint });
}

function describe({ name, target, at, tags }: Selector): string {
  const words = [
    name === '' ? 'an empty word' : name,
    ...(target === undefined ? [] : [`--target ${target}`]),
    ...(at === undefined ? [] : [`--at ${at.toISOString()}`]),
    ...Object.entries(tags ?? {}).map(([key, value]) => `--tag ${key}=${value}`),
  ];
  return words.join(' ');
}
