import type { AppliedVersion, Ledger, LedgerEvent } from '../migrations/ledger.ts';
import type { MigrationScript, ScriptRules } from '../migrations/script.ts';
import type { DatabaseAddress } from './engine.ts';
import type { CallOptions } from './storage.ts';

/** How a kind of database is migrated. */
export interface MigrationEngine {
  readonly rules: ScriptRules;
  /**
   * Opens a database whose ledger is the table `table` and one beside it. Nothing is written.
   * @throws DbopsError SOURCE_REFUSED
   */
  open(address: DatabaseAddress, request: OpenMigrationTarget): Promise<MigrationTarget>;
}

export interface OpenMigrationTarget extends CallOptions {
  /** `schema_migrations`, or with a schema before it. */
  readonly table: string;
  /** Begin with an empty database where there is none, if the engine can. */
  readonly create: boolean;
}

/** A database that is migrated. Disposing ends its connections; what was not committed is undone. */
export interface MigrationTarget extends AsyncDisposable {
  /** For people, without a password. */
  readonly label: string;
  /** Reads only. */
  readLedger(): Promise<Ledger>;
  /**
   * Waits for other runs, and keeps them out until the result is disposed.
   * @throws DbopsError LOCKED after `waitMs`
   */
  lock(waitMs: number, onWait: (holder: string) => void): Promise<AsyncDisposable>;
  /** Makes the ledger, or gives that of another tool its columns. Does nothing where it is there. */
  prepare(): Promise<void>;
  /** A digest of all definitions but the ledger's own. */
  fingerprint(): Promise<string>;
  /** Writes events and what they change, in one transaction. */
  record(events: readonly LedgerEvent[], change: LedgerChange): Promise<void>;
  /**
   * Runs a script and records it, in one transaction where the script has one.
   * @throws DbopsError MIGRATION_FAILED; the message says what of it is left.
   */
  run(step: MigrationStep): Promise<StepResult>;
  /** What is unhealthy in the database now: invalid indexes, constraints that were not validated. */
  inspect(): Promise<readonly string[]>;
}

/** What of the set of applied versions becomes another one. */
export interface LedgerChange {
  readonly add: readonly AppliedVersion[];
  readonly remove: readonly string[];
}

export interface MigrationStep {
  readonly script: MigrationScript;
  /** What is written when it is done; the target adds duration, user and fingerprints. */
  readonly event: LedgerEvent;
  /** Statements that an earlier run has done, where the script has no transaction. */
  readonly statementsDone: number;
  /** Take fingerprints, which costs some time. */
  readonly fingerprints: boolean;
  /** How long one statement may wait for a lock. */
  readonly lockTimeoutMs: number;
  /** How often a script is tried again that did not get its locks. */
  readonly lockRetries: number;
  readonly onBlocked: (holders: readonly string[]) => void;
}

export interface StepResult {
  /** `elsewhere`: another run has done it in the meantime. */
  readonly outcome: 'done' | 'elsewhere';
  readonly durationMs: number;
  readonly warnings: readonly string[];
}
