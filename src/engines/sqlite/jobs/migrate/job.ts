import type { Ledger, LedgerEvent } from '../../../../core/migrations/ledger.ts';
import type { Statement } from '../../../../core/migrations/script.ts';
import type { LedgerChange, StepResult } from '../../../../core/ports/migration-target.ts';

/** The jobs of a migration; the agent keeps its connection from one to the next. */
export interface MigrationJobs {
  migrateLedger: { readonly input: LedgerPlace; readonly output: Ledger };
  migratePrepare: { readonly input: LedgerPlace; readonly output: null };
  migrateFingerprint: { readonly input: LedgerPlace; readonly output: string };
  migrateInspect: { readonly input: LedgerPlace; readonly output: readonly string[] };
  migrateRecord: { readonly input: RecordInput; readonly output: null };
  migrateRun: { readonly input: RunInput; readonly output: StepResult };
}

export interface LedgerPlace {
  readonly path: string;
  readonly table: string;
  /** How long to wait for other writers. */
  readonly lockTimeoutMs: number;
  /** Begin with an empty file where there is none. */
  readonly create: boolean;
}

export interface RecordInput extends LedgerPlace {
  readonly events: readonly LedgerEvent[];
  readonly change: LedgerChange;
}

export interface RunInput extends LedgerPlace {
  readonly file: string;
  readonly statements: readonly Pick<Statement, 'text' | 'line' | 'bare' | 'meaningSoFar'>[];
  readonly event: LedgerEvent;
  readonly transaction: boolean;
  readonly statementsDone: number;
  readonly fingerprints: boolean;
  /** Enforce foreign keys while it runs. */
  readonly foreignKeys: boolean;
  /** Whether a statement of it can remove rows or break references at all. */
  readonly conserve: boolean;
  /** Tables whose rows may become fewer, in lower case. */
  readonly mayLoseRows: readonly string[];
}
