import type { Ledger } from './ledger.ts';
import type { MigrationStanding } from './plan.ts';
import { readScript, type MigrationScript, type ScriptRules } from './script.ts';
import { upStep, type PlannedStep, type Refusal, type StepPlan } from './step.ts';

export interface RollbackRequest {
  /** The last version that stays; everything that was applied after it goes. */
  readonly to?: string | undefined;
  readonly steps: number;
}

/**
 * Decides what is rolled back, the last that was applied first, whatever its version. The text is the one that was recorded
 * when it was applied, so that a release without the file can do it; the folder's only where none was recorded.
 */
export function planRollback(
  standings: readonly MigrationStanding[],
  ledger: Ledger,
  request: RollbackRequest,
  rules: ScriptRules,
): StepPlan {
  const order = new Map(ledger.events.map(({ id }, index) => [id, index]));
  const age = ({ event }: MigrationStanding): number => order.get(event?.id ?? '') ?? -1;
  const latestFirst = standings
    .filter(({ version }) => ledger.applied.some((applied) => applied.version === version))
    .toSorted((a, b) => age(b) - age(a) || (a.version < b.version ? 1 : -1));
  const { to, steps } = request;
  const last = to === undefined ? -1 : latestFirst.findIndex(({ version }) => version === to);
  if (to !== undefined && last < 0) {
    const reason = `${to} is not applied`;
    return { steps: [], refusals: [{ version: to, state: 'pending', reason }] };
  }
  const chosen = to === undefined ? latestFirst.slice(0, steps) : latestFirst.slice(0, last);
  const planned = chosen.map((standing) => rollbackOf(standing, rules));
  return {
    steps: planned.flatMap(({ step }) => step ?? []),
    refusals: planned.flatMap(({ refusal }) => refusal ?? []),
  };
}

/** The same, and then all of it again, oldest first. */
export function planRedo(
  standings: readonly MigrationStanding[],
  ledger: Ledger,
  steps: number,
  rules: ScriptRules,
): StepPlan {
  const back = planRollback(standings, ledger, { steps }, rules);
  const again = back.steps.toReversed().map(({ version, name }): PlannedStep | Refusal => {
    const migration = standings.find((standing) => standing.version === version)?.migration;
    if (migration !== undefined) return upStep(migration, { statementsDone: 0 });
    return { version, state: 'missing', reason: `${version}_${name} cannot be done again: its file is missing` };
  });
  return {
    steps: [...back.steps, ...again.filter((step) => 'script' in step)],
    refusals: [...back.refusals, ...again.filter((refusal) => 'reason' in refusal)],
  };
}

function rollbackOf(
  { version, name, event, migration }: MigrationStanding,
  rules: ScriptRules,
): { readonly step?: PlannedStep; readonly refusal?: Refusal } {
  const recorded = event?.rollback ?? null;
  const script =
    recorded === null ? migration?.rollback : recordedScript(`${version}_${name}_rollback.sql`, recorded, rules);
  const refuse = (reason: string): { refusal: Refusal } => ({ refusal: { version, state: 'irreversible', reason } });
  if (script === undefined) return refuse(`${version}_${name} has no rollback, neither recorded nor in the folder`);
  if (script.problems.length > 0) return refuse(script.problems.join('\n'));
  return { step: { kind: 'rollback', version, name, script, rollback: null, statementsDone: 0 } };
}

function recordedScript(file: string, text: string, rules: ScriptRules): MigrationScript {
  return readScript(`${file} (as recorded)`, Buffer.from(text), rules);
}
