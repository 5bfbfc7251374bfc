import type { FactLevel } from '../../../core/levels.ts';
import type { Check, Examination } from '../../../core/ports/engine.ts';
import type { SourceFile } from '../source-file.ts';
import type { MigrationJobs } from './migrate/job.ts';

/** Everything that needs SQLite is a job for the agent, a child process: parameters and results are plain JSON. */
export interface Jobs extends MigrationJobs {
  look: { readonly input: { readonly path: string }; readonly output: SourceFile };
  snapshot: { readonly input: SnapshotInput; readonly output: SnapshotOutput };
  settle: { readonly input: { readonly path: string }; readonly output: null };
  examine: { readonly input: ExamineInput; readonly output: Examination };
  promote: { readonly input: PromoteInput; readonly output: PromoteOutput };
  copyTables: { readonly input: CopyTablesInput; readonly output: TablesOutput };
  exportTables: { readonly input: ExportTablesInput; readonly output: TablesOutput };
}

export type JobName = keyof Jobs;

export interface SnapshotInput {
  readonly source: string;
  /** Must not exist. */
  readonly copy: string;
  readonly lockTimeoutMs: number;
}

export interface SnapshotOutput {
  readonly bytes: number;
  readonly sqliteVersion: string;
  readonly warnings: readonly string[];
}

export interface ExamineInput {
  readonly path: string;
  readonly facts: FactLevel;
  readonly checks: readonly Check[];
}

export interface PromoteInput {
  readonly staged: string;
  readonly destination: string;
  /** Path of the replaced database; gets a number when it is taken. */
  readonly keepAs: string;
  /** Switch the restored file to a write-ahead log. */
  readonly wal: boolean;
  readonly allowOpen: boolean;
  /** The system says that another process has the destination open, whatever SQLite sees of it. */
  readonly used: boolean;
  readonly lockTimeoutMs: number;
}

export interface PromoteOutput {
  readonly kept: string | null;
  readonly warnings: readonly string[];
}

export interface CopyTablesInput {
  readonly from: string;
  readonly into: string;
  readonly tables: readonly string[];
  readonly overwrite: boolean;
  /** Where a copy of the whole destination is kept before a table in it is overwritten. */
  readonly keepAs: string;
  /** Where that copy is made first, on the same disk; must not exist. */
  readonly keepVia: string;
  readonly lockTimeoutMs: number;
}

export interface ExportTablesInput {
  readonly from: string;
  readonly tables: readonly string[];
  /** Must not exist. */
  readonly file: string;
  readonly comments: readonly string[];
}

export interface TablesOutput {
  readonly tables: readonly { readonly name: string; readonly rows: number }[];
  readonly kept: string | null;
  readonly warnings: readonly string[];
}

/** Says how far a long job is; may be called as often as it likes. */
export type OnProgress = (bytes: number, totalBytes: number) => void;
