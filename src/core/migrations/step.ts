import type { Migration, MigrationState, MigrationStanding } from './plan.ts';
import type { MigrationScript } from './script.ts';

/** One script that is to be run. */
export interface PlannedStep {
  readonly kind: 'up' | 'rollback';
  readonly version: string;
  readonly name: string;
  readonly script: MigrationScript;
  /** What will undo it; kept in the ledger. */
  readonly rollback: string | null;
  /** Statements that an earlier run has done, where the script has no transaction. */
  readonly statementsDone: number;
}

export interface StepPlan {
  readonly steps: readonly PlannedStep[];
  /** Why nothing is run. */
  readonly refusals: readonly Refusal[];
}

export interface Refusal {
  readonly version: string;
  readonly state: MigrationState | 'irreversible';
  readonly reason: string;
}

export function upStep(
  migration: Migration,
  { statementsDone }: Pick<MigrationStanding, 'statementsDone'>,
): PlannedStep {
  const { version, name, up, rollback } = migration;
  return { kind: 'up', version, name, script: up, rollback: rollback?.text ?? null, statementsDone };
}
