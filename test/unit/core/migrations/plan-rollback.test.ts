import { expect, test } from 'vitest';
import { eventOf, type Ledger } from '../../../../src/core/migrations/ledger.ts';
import { planRedo, planRollback } from '../../../../src/core/migrations/plan-rollback.ts';
import { judge } from '../../../../src/core/migrations/plan.ts';
import { postgresRules } from '../../../../src/engines/postgres/migrate/rules.ts';

const [first, second, third] = ['20260101000001', '20260101000002', '20260101000003'] as const;

/** Applied in the order of the versions given; each has recorded its rollback. */
function ledgerOf(...versions: readonly string[]): Ledger {
  const events = versions.map((version) =>
    eventOf({ id: `e${version}`, version, name: 'x', kind: 'up', outcome: 'done', rollback: `DROP TABLE t${version}` }),
  );
  return {
    state: 'present',
    populated: true,
    applied: versions
      .map((version) => ({ version, event: `e${version}` }))
      .toSorted((a, b) => (a.version < b.version ? -1 : 1)),
    events,
  };
}

function rolledBack(ledger: Ledger, request: { to?: string; steps: number }): string[] {
  return planRollback(judge([], ledger), ledger, request, postgresRules).steps.map(({ version }) => version);
}

test('what was applied last goes first, whatever its version', () => {
  expect(rolledBack(ledgerOf(first, third, second), { steps: 2 })).toEqual([second, third]);
});

test('with a version everything goes that was applied after it', () => {
  expect(rolledBack(ledgerOf(first, third, second), { to: first, steps: 1 })).toEqual([second, third]);
  expect(rolledBack(ledgerOf(first, third, second), { to: second, steps: 1 })).toEqual([]);
});

test('a version that is not applied is refused, rather than taken for all', () => {
  const ledger = ledgerOf(first);
  const { steps, refusals } = planRollback(judge([], ledger), ledger, { to: second, steps: 1 }, postgresRules);
  expect([steps, refusals.map(({ reason }) => reason)]).toEqual([[], [`${second} is not applied`]]);
});

test('what another tool applied counts as older than all else', () => {
  const ledger = ledgerOf(first);
  const adopted = { ...ledger, applied: [...ledger.applied, { version: third, event: null }] };
  expect(
    planRollback(judge([], adopted), adopted, { steps: 1 }, postgresRules).steps.map(({ version }) => version),
  ).toEqual([first]);
});

test('nothing is done again whose file is missing', () => {
  const ledger = ledgerOf(first);
  expect(planRedo(judge([], ledger), ledger, 1, postgresRules).refusals).toMatchObject([{ state: 'missing' }]);
});
