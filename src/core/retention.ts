import { parseDuration } from './duration.ts';
import { DbopsError } from './errors.ts';

/** Rules that combine: a backup is kept when any of them keeps it. All calendar periods are in UTC. */
export interface RetentionPolicy {
  /** Age limit by class, or `forever`. */
  readonly classes: Readonly<Record<string, string>>;
  /** The newest n good backups. */
  readonly last?: number | undefined;
  /** The newest good backup of each of the newest n hours (days, weeks from Monday, months, years) that have one. */
  readonly hourly?: number | undefined;
  readonly daily?: number | undefined;
  readonly weekly?: number | undefined;
  readonly monthly?: number | undefined;
  readonly yearly?: number | undefined;
  /** Everything younger than this. */
  readonly within?: string | undefined;
}

/** What the script of an SQLite application kept, class by class; `manual` has no limit unless a rule sets one. */
export const defaultPolicy: RetentionPolicy = {
  classes: {
    'pre-deploy': 'forever',
    'pre-rollout': 'forever',
    hot: '7d',
    hourly: '2d',
    daily: '30d',
    weekly: '12w',
    monthly: '12mo',
  },
};

/** One age limit for everything, as RETENTION_DAYS of old scripts meant it; classes kept for ever stay so. */
export function policyOfDays(days: number, base: RetentionPolicy): RetentionPolicy {
  const kept = Object.entries(base.classes).filter(([, limit]) => limit === 'forever');
  return { classes: Object.fromEntries(kept), within: `${days}d` };
}

export interface Candidate {
  readonly id: string;
  readonly at: Date;
  readonly class: string;
  readonly pinned: boolean;
  readonly good: boolean;
}

export interface Verdict<T extends Candidate = Candidate> {
  readonly backup: T;
  readonly keep: boolean;
  /** Never empty: why it stays, or why nothing keeps it. */
  readonly reasons: readonly string[];
}

/** Clocks of two machines differ a little; more than this is a fault. */
export const FUTURE_TOLERANCE_MS = 5 * 60_000;

/**
 * Decides for every backup of one target, newest first, and never acts. Whatever the rules say, the newest good
 * backup and pinned ones stay, and so does everything while no good one is left. A backup whose latest verification
 * failed is counted by no rule; it goes with its class's age limit, but not while it is newer than the newest good one
 * or than one that a counting rule keeps: the failure may be the machine's, and somebody has to look.
 * @throws DbopsError REFUSED when the newest backup lies in the future: then no age can be trusted.
 */
export function judge<T extends Candidate>(backups: readonly T[], policy: RetentionPolicy, now: Date): Verdict<T>[] {
  const newestFirst = backups.toSorted((a, b) => b.at.getTime() - a.at.getTime() || (a.id < b.id ? 1 : -1));
  const [newest] = newestFirst;
  if (newest === undefined) return [];
  if (newest.at.getTime() > now.getTime() + FUTURE_TOLERANCE_MS) throw fromTheFuture(newest, now);
  const newestGood = newestFirst.find((backup) => backup.good);
  if (newestGood === undefined) {
    return newestFirst.map((backup) => ({ backup, keep: true, reasons: ['no good backup is left of this target'] }));
  }
  const counted = countingReasons(newestFirst, policy);
  const oldestCounted = Math.min(newestGood.at.getTime(), ...[...counted.keys()].map(({ at }) => at.getTime()));
  return newestFirst.map((backup) => {
    const reasons = [
      ...(backup === newestGood ? ['newest good backup'] : []),
      ...(backup.pinned ? ['pinned'] : []),
      ...(counted.get(backup) ?? []),
      ...ageReasons(backup, policy, now),
    ];
    if (reasons.length === 0 && !backup.good && backup.at.getTime() > oldestCounted) {
      reasons.push('its verification failed: kept to be looked at');
    }
    return reasons.length > 0
      ? { backup, keep: true, reasons }
      : { backup, keep: false, reasons: [whyNot(backup, policy)] };
  });
}

/**
 * Until when the rules keep a backup whatever else is made: by its age, or for ever by its class. Undefined where only
 * a count keeps it, which newer backups may end on any day.
 */
export function surelyKeptUntil(
  backup: Pick<Candidate, 'at' | 'class'>,
  policy: RetentionPolicy,
): Date | 'forever' | undefined {
  const limit = limitOf(backup, policy);
  if (limit === 'forever') return 'forever';
  const ages = [limit, policy.within].filter((age) => age !== undefined).map(parseDuration);
  return ages.length === 0 ? undefined : new Date(backup.at.getTime() + Math.max(...ages));
}

function fromTheFuture(newest: Candidate, now: Date): DbopsError {
  return new DbopsError(
    'REFUSED',
    `backup ${newest.id} was made at ${newest.at.toISOString()}, after the present ${now.toISOString()}`,
    { hint: 'Set the clock right first; with a wrong clock, ages and therefore retention mean nothing.' },
  );
}

function ageReasons(backup: Candidate, policy: RetentionPolicy, now: Date): string[] {
  const ageMs = now.getTime() - backup.at.getTime();
  const limit = limitOf(backup, policy);
  const reasons: string[] = [];
  if (limit === 'forever') reasons.push(`class ${backup.class} is kept for ever`);
  else if (limit !== undefined && ageMs <= parseDuration(limit)) reasons.push(`class ${backup.class} within ${limit}`);
  else if (limit === undefined && !hasGeneralRule(policy)) reasons.push(`no rule for class ${backup.class}`);
  if (policy.within !== undefined && ageMs <= parseDuration(policy.within)) reasons.push(`within ${policy.within}`);
  return reasons;
}

function whyNot(backup: Candidate, policy: RetentionPolicy): string {
  const limit = limitOf(backup, policy);
  const age = limit === undefined ? 'no rule keeps it' : `class ${backup.class} older than ${limit}`;
  return backup.good ? age : `${age}, and its verification failed`;
}

// A class may be called as something that every object has.
function limitOf(backup: Pick<Candidate, 'class'>, { classes }: RetentionPolicy): string | undefined {
  return Object.hasOwn(classes, backup.class) ? classes[backup.class] : undefined;
}

const counters = ['last', 'hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const;
type Counter = (typeof counters)[number];

function hasGeneralRule(policy: RetentionPolicy): boolean {
  return policy.within !== undefined || counters.some((counter) => policy[counter] !== undefined);
}

function countingReasons<T extends Candidate>(newestFirst: readonly T[], policy: RetentionPolicy): Map<T, string[]> {
  const reasons = new Map<T, string[]>();
  for (const counter of counters) {
    const limit = policy[counter];
    if (limit === undefined) continue;
    const periods = new Set<string>();
    for (const backup of newestFirst) {
      if (!backup.good || periods.size >= limit) continue;
      const period = periodOf(counter, backup);
      if (periods.has(period)) continue;
      periods.add(period);
      const name = counter === 'last' ? `last ${periods.size} of ${limit}` : `${counter} ${period}`;
      reasons.set(backup, [...(reasons.get(backup) ?? []), name]);
    }
  }
  return reasons;
}

function periodOf(counter: Counter, { id, at }: Candidate): string {
  const iso = at.toISOString();
  switch (counter) {
    case 'last':
      return id;
    case 'hourly':
      return iso.slice(0, 13);
    case 'daily':
      return iso.slice(0, 10);
    case 'weekly':
      return isoWeek(at);
    case 'monthly':
      return iso.slice(0, 7);
    case 'yearly':
      return iso.slice(0, 4);
  }
}

/** `2026-W47`: the week of ISO 8601, which starts on Monday and belongs to the year of its Thursday. */
function isoWeek(time: Date): string {
  const dayMs = 86_400_000;
  const weekday = (time.getUTCDay() + 6) % 7;
  const thursday = new Date(time.getTime() + (3 - weekday) * dayMs);
  const firstOfYear = Date.UTC(thursday.getUTCFullYear(), 0, 1);
  const week = 1 + Math.trunc((thursday.getTime() - firstOfYear) / dayMs / 7);
  return `${thursday.getUTCFullYear()}-W${String(week).padStart(2, '0')}`;
}
