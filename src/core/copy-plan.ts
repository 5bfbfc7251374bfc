import type { Backup, BrokenBackup, Catalog } from './catalog.ts';
import { DbopsError } from './errors.ts';
import { idWhenMade, MANIFEST_NAME, storedParts, SUMS_NAME } from './manifest.ts';
import { isGood, isRecordName } from './records.ts';
import { FUTURE_TOLERANCE_MS, judge, type RetentionPolicy } from './retention.ts';
import { byTime } from './selector.ts';

export interface CopyQuestion {
  /** What both storages hold of one target. */
  readonly source: Catalog;
  readonly there: Catalog;
  /** Prefixes of the backups that a person named; undefined where all are meant. */
  readonly named: ReadonlySet<string> | undefined;
  /** Rules that somebody wrote for the destination alone: what they would remove at once is not brought there. */
  readonly policy: RetentionPolicy | undefined;
  readonly now: Date;
}

/** What brings a destination up to date. */
export interface CopyPlan {
  /** To be copied, oldest first. */
  readonly missing: readonly Backup[];
  /** There already, with the same manifest. */
  readonly present: readonly Backup[];
  /** Not copied and no failure either, each with its reason. */
  readonly left: readonly NotCopied[];
  /** Meant to be copied, and impossible. */
  readonly refused: readonly Refusal[];
  /** There already, and doubtful by what one of the storages knows of it. */
  readonly doubtful: readonly LeftOut[];
}

export interface LeftOut {
  readonly prefix: string;
  readonly reason: string;
}

export interface NotCopied extends LeftOut {
  /** Known not to be sound, rather than not wanted. */
  readonly isBad: boolean;
}

export interface Refusal {
  readonly prefix: string;
  readonly error: DbopsError;
}

/**
 * Decides which backups of one target a destination lacks. Nothing that is there is ever replaced, and what was removed
 * at the source stays at the destination, which has its own retention.
 */
export function planCopy(question: CopyQuestion): CopyPlan {
  const { source, there, named } = question;
  const isMeant = ({ prefix }: { readonly prefix: string }): boolean => named === undefined || named.has(prefix);
  const backups = source.backups.filter(isMeant).toSorted(byTime);
  const known = new Map(there.backups.map((backup) => [backup.prefix, backup]));
  const broken = new Map(there.broken.map((folder) => [folder.prefix, folder]));
  const refused = [
    ...source.broken.filter((folder) => isMeant(folder) && !known.has(folder.prefix)).map(refuseBroken),
    ...backups.flatMap((backup) => {
      const error = whyNot(backup, known.get(backup.prefix), broken.get(backup.prefix), named !== undefined);
      return error === undefined ? [] : [{ prefix: backup.prefix, error }];
    }),
  ];
  const impossible = new Set(refused.map(({ prefix }) => prefix));
  const absent = backups.filter(({ prefix }) => !known.has(prefix) && !impossible.has(prefix));
  const bad = absent.filter(({ good }) => !good).map(toBad);
  const others = named === undefined ? absent.flatMap((backup) => underOtherId(backup, there.backups)) : [];
  const elsewhere = new Set(others.map(({ prefix }) => prefix));
  const sound = absent.filter(({ good, prefix }) => good && !elsewhere.has(prefix));
  const unwanted = named === undefined ? letGoAtOnce(sound, question) : [];
  const left = [...bad, ...others.filter(({ prefix }) => !bad.some((one) => one.prefix === prefix)), ...unwanted];
  const out = new Set(left.map(({ prefix }) => prefix));
  const present = backups.filter(({ prefix }) => known.has(prefix) && !impossible.has(prefix));
  return {
    missing: sound.filter(({ prefix }) => !out.has(prefix)),
    present,
    left,
    refused,
    doubtful: present.flatMap((backup) => doubt(backup, known.get(backup.prefix))),
  };
}

/** Encrypted for other keys in one of the storages, it has another id there. */
function underOtherId({ prefix, manifest }: Backup, there: readonly Backup[]): NotCopied[] {
  const made = idWhenMade(manifest);
  const other = there.find((backup) => idWhenMade(backup.manifest) === made);
  if (other === undefined) return [];
  return [{ prefix, reason: `it is there as ${other.manifest.id}, encrypted for other keys`, isBad: false }];
}

function toBad({ prefix }: Backup): NotCopied {
  return { prefix, reason: 'its last verification failed', isBad: true };
}

function refuseBroken({ prefix, reason, unread }: BrokenBackup): Refusal {
  const error =
    unread ??
    new DbopsError('DAMAGED', `${prefix} cannot be read at the source: ${reason}`, {
      hint: 'It was not copied. Look at it with `dbops verify --all`, and move its folder away if it is lost.',
    });
  return { prefix, error };
}

function whyNot(
  backup: Backup,
  other: Backup | undefined,
  damaged: BrokenBackup | undefined,
  isNamed: boolean,
): DbopsError | undefined {
  if (other !== undefined) {
    return JSON.stringify(other.manifest) === JSON.stringify(backup.manifest) ? undefined : taken(backup.prefix);
  }
  if (damaged?.unread !== undefined) return damaged.unread;
  // One without a manifest is what an interrupted copy left, or lost it: either way this completes it.
  const isPublished = damaged?.objects.some(({ key }) => key.endsWith(`/${MANIFEST_NAME}`)) === true;
  if (damaged !== undefined && isPublished) return damagedThere(damaged);
  if (isNamed && !backup.good) return knownBad(backup.prefix);
  return oddPart(backup);
}

function taken(prefix: string): DbopsError {
  return new DbopsError('REFUSED', `the destination has another backup under the name ${prefix}`, {
    hint: 'Nothing was overwritten. Compare both with `dbops show`; move one of the folders out of its storage.',
  });
}

function damagedThere({ prefix, reason }: BrokenBackup): DbopsError {
  return new DbopsError('REFUSED', `the destination has a damaged backup under the name ${prefix}: ${reason}`, {
    hint: 'Nothing was overwritten. Move that folder out of the destination, then copy again.',
  });
}

function knownBad(prefix: string): DbopsError {
  return new DbopsError('REFUSED', `${prefix} is not copied: its last verification failed`, {
    hint: 'Verify it again with `dbops verify`, or copy another backup: see `dbops list`.',
  });
}

/**
 * The manifest of a storage that somebody else can write to may name parts that would be taken for something else at the
 * destination, before its own manifest is there.
 */
function oddPart({ prefix, manifest }: Backup): DbopsError | undefined {
  const seen = new Set<string>([MANIFEST_NAME, SUMS_NAME.toLowerCase()]);
  const odd = storedParts(manifest).find(({ name }) => {
    // File systems that ignore case make one name of two.
    const plain = name.toLowerCase();
    const isOdd = seen.has(plain) || isRecordName(name) || isRecordName(plain);
    seen.add(plain);
    return isOdd;
  })?.name;
  if (odd === undefined) return undefined;
  return new DbopsError('DAMAGED', `the manifest of ${prefix} has a part with the name ${odd} that no part may have`, {
    hint: 'dbops never wrote such a manifest; do not trust this backup.',
  });
}

/** What the destination's own rules would not keep, judged together with what is there. */
function letGoAtOnce(missing: readonly Backup[], { there, policy, now }: CopyQuestion): NotCopied[] {
  if (policy === undefined) return [];
  const candidates = [...there.backups, ...missing].map(({ prefix, manifest, pinned, good }) => ({
    id: manifest.id,
    at: new Date(manifest.finishedAt),
    class: manifest.class,
    pinned,
    good,
    prefix,
  }));
  // With a wrong clock ages mean nothing; to bring too much does no harm.
  if (candidates.some(({ at }) => at.getTime() > now.getTime() + FUTURE_TOLERANCE_MS)) return [];
  const going = new Map(
    judge(candidates, policy, now)
      .filter(({ keep }) => !keep)
      .map(({ backup, reasons }) => [backup.prefix, reasons.join('; ')]),
  );
  return missing.flatMap(({ prefix }) => {
    const reason = going.get(prefix);
    return reason === undefined ? [] : [{ prefix, reason: `retention of the destination: ${reason}`, isBad: false }];
  });
}

/** A failed verification may be the fault of one storage's bytes alone, so it is said, and not carried over. */
function doubt(backup: Backup, there: Backup | undefined): LeftOut[] {
  const { prefix } = backup;
  if (there?.good === false) return [{ prefix, reason: 'its last verification at the destination failed' }];
  if (backup.good) return [];
  // A verification there, later and as deep, has shown that it was the bytes here.
  if (isGood([...backup.verifications, ...(there?.verifications ?? [])])) return [];
  return [{ prefix, reason: 'its last verification at the source failed; verify it at the destination too' }];
}
