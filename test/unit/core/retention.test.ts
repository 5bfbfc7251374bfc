import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  defaultPolicy,
  judge,
  policyOfDays,
  surelyKeptUntil,
  type Candidate,
  type RetentionPolicy,
  type Verdict,
} from '../../../src/core/retention.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

function candidate(at: string | Date, change: Partial<Candidate> = {}): Candidate {
  const time = new Date(at);
  return { id: time.toISOString(), at: time, class: 'manual', pinned: false, good: true, ...change };
}

const keptIds = (verdicts: readonly Verdict[]): string[] =>
  verdicts.filter(({ keep }) => keep).map(({ backup }) => backup.id);

/** One backup a day at 02:00 UTC, from 2020 to 2029: ten years with three leap days. */
const tenYears: readonly Candidate[] = Array.from({ length: 3_653 }, (_, day) =>
  candidate(new Date(Date.UTC(2020, 0, 1 + day, 2))),
);

interface GoldenCase {
  readonly about: string;
  readonly now: string;
  readonly policy: 'default' | RetentionPolicy;
  readonly backups: readonly (Partial<Candidate> & { readonly id: string; readonly at: string & Date })[];
  readonly expected: Readonly<Record<string, readonly string[]>>;
}

describe('golden cases', () => {
  const folder = new URL('../../../fixtures/retention/', import.meta.url);
  test.each(readdirSync(folder))('%s is judged as written down, newest first, with every reason', (name) => {
    const golden = JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as GoldenCase;
    const backups = golden.backups.map(({ at, ...rest }) => candidate(at, { class: 'other', ...rest }));
    const policy = golden.policy === 'default' ? defaultPolicy : golden.policy;
    const verdicts = judge(backups, policy, new Date(golden.now));
    const told = verdicts.map(({ backup, keep, reasons }) => [backup.id, [keep ? 'keep' : 'remove', ...reasons]]);
    expect(Object.fromEntries(told)).toEqual(golden.expected);
    const times = verdicts.map(({ backup }) => backup.at.getTime());
    expect(times).toEqual(times.toSorted((a, b) => b - a));
  });
});

describe('E10: calendar rules over ten years', () => {
  const periods = {
    monthly: (at: Date) => at.toISOString().slice(0, 7),
    yearly: (at: Date) => at.toISOString().slice(0, 4),
    daily: (at: Date) => at.toISOString().slice(0, 10),
    // Independent of the code under test: the number of the Monday-based week since the Monday 1969-12-29.
    weekly: (at: Date) => String(Math.floor((at.getTime() / dayMs + 3) / 7)),
  } as const;
  const rules = Object.keys(periods) as (keyof typeof periods)[];

  test.each(rules)('%s: 5 keeps the newest of each of the newest five periods, whatever day it is', (rule) => {
    const periodOf = periods[rule];
    const window = rule === 'yearly' ? 2_000 : 200;
    for (let day = 200; day < tenYears.length; day++) {
      if (day % 7 !== 0 && !nearBorder(tenYears[day]?.at ?? new Date(0))) continue;
      const backups = tenYears.slice(Math.max(0, day - window), day + 1);
      const newestOf = new Map(backups.map((backup) => [periodOf(backup.at), backup.id]));
      const expected = [...newestOf.values()].slice(-5).toReversed();
      const verdicts = judge(backups, { classes: {}, [rule]: 5 }, new Date(Date.UTC(2020, 0, 1 + day, 3)));
      expect(keptIds(verdicts)).toEqual(expected);
    }
  });

  // Days around the turn of a month, where a mistake would show.
  function nearBorder(at: Date): boolean {
    const date = at.getUTCDate();
    return date <= 2 || date >= 28;
  }

  test('pruning every day keeps what one look at the end would have kept', () => {
    const policy: RetentionPolicy = { classes: {}, daily: 7, weekly: 5, monthly: 12, yearly: 10 };
    let kept: Candidate[] = [];
    for (const backup of tenYears) {
      kept = judge([...kept, backup], policy, new Date(backup.at.getTime() + hourMs))
        .filter(({ keep }) => keep)
        .map((verdict) => verdict.backup);
    }
    const last = tenYears.at(-1)?.at ?? new Date(0);
    const atOnce = judge(tenYears, policy, new Date(last.getTime() + hourMs));
    expect(kept.map(({ id }) => id)).toEqual(keptIds(atOnce));
    expect(kept).toHaveLength(7 + 3 + 11 + 9);
  });

  test.each([
    ['2018-12-31', '2019-W01'],
    ['2019-12-29', '2019-W52'],
    ['2019-12-30', '2020-W01'],
    ['2020-12-31', '2020-W53'],
    ['2021-01-03', '2020-W53'],
    ['2021-01-04', '2021-W01'],
    ['2022-01-02', '2021-W52'],
    ['2023-01-01', '2022-W52'],
    ['2024-02-29', '2024-W09'],
    ['2024-12-29', '2024-W52'],
    ['2024-12-30', '2025-W01'],
    ['2026-12-31', '2026-W53'],
    ['2027-01-03', '2026-W53'],
    ['2028-12-31', '2028-W52'],
  ])('%s is in ISO week %s', (day, week) => {
    for (const time of ['T00:00:00.000Z', 'T23:59:59.999Z']) {
      const backup = candidate(day + time);
      const [verdict] = judge([backup], { classes: {}, weekly: 1 }, backup.at);
      expect(verdict?.reasons).toContain(`weekly ${week}`);
    }
  });
});

describe('until when a backup is surely kept', () => {
  const at = new Date('2026-11-20T02:00:00Z');
  test.each([
    ['the age limit of its class', 'daily', {}, '2026-12-20T02:00:00.000Z'],
    ['the longer of its class and `within`', 'hot', { within: '10d' }, '2026-11-30T02:00:00.000Z'],
    ['the same, the other way round', 'daily', { within: '10d' }, '2026-12-20T02:00:00.000Z'],
    ['for ever, by its class', 'pre-deploy', { within: '10d' }, 'forever'],
    ['not at all, where only a count keeps it', 'manual', { last: 5, yearly: 10 }, undefined],
    ['not at all, where no rule says anything', 'manual', {}, undefined],
    ['a class called as something that every object has', 'constructor', {}, undefined],
  ])('%s', (_, name, rules, expected) => {
    const until = surelyKeptUntil({ at, class: name }, { ...defaultPolicy, ...rules });
    expect(until instanceof Date ? until.toISOString() : until).toBe(expected);
  });

  test('judge keeps it until that moment, and not after it', () => {
    const policy = defaultPolicy;
    const until = surelyKeptUntil({ at, class: 'daily' }, policy);
    if (!(until instanceof Date)) throw new Error('no date');
    const backups = [candidate(at, { class: 'daily' }), candidate(until, { class: 'daily' })];
    const keptAt = (now: number): number => keptIds(judge(backups, policy, new Date(now))).length;
    expect([keptAt(until.getTime()), keptAt(until.getTime() + 1)]).toEqual([2, 1]);
  });
});

describe('what no rule can remove', () => {
  const now = new Date('2026-11-20T00:00:00Z');
  const old = (days: number, change: Partial<Candidate> = {}): Candidate =>
    candidate(new Date(now.getTime() - days * dayMs), { class: 'hourly', ...change });
  const strict: readonly RetentionPolicy[] = [
    { classes: { hourly: '1s' } },
    { classes: {}, within: '1s' },
    policyOfDays(1, defaultPolicy),
    { classes: { hourly: '0s' }, within: '0s' },
  ];

  test.each(strict.map((policy) => [JSON.stringify(policy), policy] as const))(
    'the newest good backup, by %s',
    (_, policy) => {
      const verdicts = judge([old(500), old(400), old(300)], policy, now);
      expect(verdicts.map(({ keep }) => keep)).toEqual([true, false, false]);
      expect(verdicts[0]?.reasons).toEqual(['newest good backup']);
    },
  );

  test('a newer backup whose verification failed does not take the place of the newest good one', () => {
    const backups = [old(300), old(250, { good: false }), old(200), old(100, { good: false })];
    const verdicts = judge(backups, { classes: { hourly: '1d' } }, now);
    expect(verdicts.map(({ keep }) => keep)).toEqual([true, true, false, false]);
    expect(verdicts[0]?.reasons).toEqual(['its verification failed: kept to be looked at']);
    expect(verdicts[2]?.reasons).toEqual(['class hourly older than 1d, and its verification failed']);
  });

  test('a failed backup that counting would remove, as far back as the rules count and no further', () => {
    const good = [1, 2, 3, 4].map((days) => old(days, { class: 'own' }));
    const failed = [1.5, 2.5, 3.5, 9].map((days) => old(days, { class: 'own', good: false }));
    const verdicts = judge([...good, ...failed], { classes: {}, last: 3 }, now);
    const kept = verdicts.filter(({ backup, keep }) => keep && !backup.good).map(({ backup }) => backup);
    expect(kept).toEqual(failed.slice(0, 2));
  });

  test('a pinned backup, good or not', () => {
    const pinned = [old(900, { pinned: true }), old(800, { pinned: true, good: false })];
    const verdicts = judge([...pinned, old(1)], { classes: { hourly: '1h' } }, now);
    expect(verdicts.every(({ keep }) => keep)).toBe(true);
    expect(verdicts.slice(1).map(({ reasons }) => reasons)).toEqual([['pinned'], ['pinned']]);
  });

  test('anything at all while no good backup is left', () => {
    const verdicts = judge([old(900, { good: false }), old(800, { good: false })], { classes: { hourly: '1h' } }, now);
    expect(verdicts.map(({ keep, reasons }) => [keep, ...reasons])).toEqual([
      [true, 'no good backup is left of this target'],
      [true, 'no good backup is left of this target'],
    ]);
  });

  test('a class without a rule, while no general rule is set', () => {
    const backups = [old(900, { class: 'own' }), old(1)];
    expect(judge(backups, { classes: { hourly: '1h' } }, now)[1]?.reasons).toEqual(['no rule for class own']);
    expect(judge(backups, { classes: { hourly: '1h' }, last: 1 }, now)[1]?.keep).toBe(false);
  });

  test.each(['constructor', 'toString', '__proto__', 'hasOwnProperty'])(
    'a class called %s, which no rule names',
    (name) => {
      const verdicts = judge([old(900, { class: name }), old(1)], defaultPolicy, now);
      expect(verdicts[1]?.reasons).toEqual([`no rule for class ${name}`]);
    },
  );

  test('every mixture of rules, ages, pins and failures: never the newest good, never a pinned, never everything', () => {
    let state = 7;
    const random = (below: number): number => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return (state >>> 8) % below;
    };
    for (let round = 0; round < 2_000; round++) {
      const backups = Array.from({ length: 1 + random(12) }, (_, index) =>
        old(random(800), {
          id: `b${index}`,
          class: ['hourly', 'daily', 'own', 'pre-deploy'][random(4)] ?? 'own',
          pinned: random(6) === 0,
          good: random(3) !== 0,
        }),
      );
      const policy: RetentionPolicy = {
        classes: random(2) === 0 ? defaultPolicy.classes : { hourly: '1h', own: '1d' },
        ...(random(2) === 0 ? { last: 1 + random(3) } : {}),
        ...(random(3) === 0 ? { monthly: 1 + random(3) } : {}),
        ...(random(3) === 0 ? { within: `${random(100)}d` } : {}),
      };
      checkPromises(judge(backups, policy, now), backups);
    }
  });

  function checkPromises(verdicts: readonly Verdict[], backups: readonly Candidate[]): void {
    expect(new Set(verdicts.map(({ backup }) => backup))).toEqual(new Set(backups));
    expect(verdicts.some(({ keep }) => keep)).toBe(true);
    for (const { backup, keep, reasons } of verdicts) {
      expect(reasons).not.toEqual([]);
      if (backup.pinned) expect(keep).toBe(true);
    }
    const newestGood = verdicts.find(({ backup }) => backup.good);
    if (newestGood === undefined) expect(verdicts.every(({ keep }) => keep)).toBe(true);
    else expect(newestGood.keep).toBe(true);
  }
});

describe('time that cannot be trusted', () => {
  const now = new Date('2026-11-20T00:00:00Z');

  test('E2: it refuses when the newest backup lies in the future, and says both times', () => {
    const backups = [candidate('2026-11-01T00:00:00Z'), candidate('2027-11-20T00:00:00Z')];
    expect(() => judge(backups, defaultPolicy, now)).toThrow(
      expect.objectContaining({ code: 'REFUSED', message: expect.stringMatching(/2027-11-20.*2026-11-20/) }),
    );
  });

  test('two clocks may differ by five minutes, and by no more', () => {
    const fiveMinutes = 5 * 60_000;
    expect(judge([candidate(new Date(now.getTime() + fiveMinutes))], defaultPolicy, now)).toHaveLength(1);
    expect(() => judge([candidate(new Date(now.getTime() + fiveMinutes + 1))], defaultPolicy, now)).toThrow('after');
  });

  test('E7: backups of the same moment are all judged, the same way whatever their order', () => {
    const same = ['a', 'b', 'c'].map((id) => candidate('2026-11-01T00:00:00Z', { id }));
    const policy: RetentionPolicy = { classes: {}, last: 2 };
    expect(keptIds(judge(same, policy, now))).toEqual(['c', 'b']);
    expect(keptIds(judge(same.toReversed(), policy, now))).toEqual(['c', 'b']);
  });

  test('no backups give no verdicts', () => {
    expect(judge([], defaultPolicy, now)).toEqual([]);
  });
});

describe('one age limit for everything', () => {
  test('it replaces the classes and rules, and keeps the classes that stay for ever', () => {
    const base: RetentionPolicy = { ...defaultPolicy, last: 5, monthly: 3 };
    expect(policyOfDays(14, base)).toEqual({
      classes: { 'pre-deploy': 'forever', 'pre-rollout': 'forever' },
      within: '14d',
    });
  });
});
