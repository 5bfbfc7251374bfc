/** What happened to one migration, as the ledger in the database keeps it for ever. */
export interface LedgerEvent {
  /** Unknown to anybody before it is written, so that it proves that its transaction was committed. */
  readonly id: string;
  readonly version: string;
  readonly name: string;
  /**
   * By `repair`, which runs nothing: `accept`, an edited file is what was applied; `forget`, it is not in the database. By that
   * or by `baseline`: `baseline`, it is.
   */
  readonly kind: 'up' | 'rollback' | 'baseline' | 'accept' | 'forget';
  /** `progress`: statements of a file without a transaction that are done so far. */
  readonly outcome: 'done' | 'failed' | 'progress';
  readonly statements: number;
  readonly checksum: string | null;
  readonly meaning: string | null;
  /** Text of the file that undoes it, so that a release that lacks the file can. */
  readonly rollback: string | null;
  readonly startedAt: string;
  readonly durationMs: number | null;
  readonly osUser: string | null;
  readonly dbUser: string | null;
  readonly host: string | null;
  readonly gitCommit: string | null;
  readonly backupId: string | null;
  readonly schemaBefore: string | null;
  readonly schemaAfter: string | null;
  readonly error: string | null;
  /** Why somebody repaired it. */
  readonly reason: string | null;
  /** Version of dbops. */
  readonly tool: string;
}

/** A migration that is in the database. */
export interface AppliedVersion {
  readonly version: string;
  /** The event that put it there; null where another tool did. */
  readonly event: string | null;
}

export interface Ledger {
  /** `bare`: a table of versions of another tool, which gets its columns when something is applied. */
  readonly state: 'absent' | 'bare' | 'present';
  /** Whether there is any table in the database that is not the ledger's own. */
  readonly populated: boolean;
  readonly applied: readonly AppliedVersion[];
  /** Oldest first. */
  readonly events: readonly LedgerEvent[];
}

/** Columns of the table of events: the field of an event, its column, and what is in it. */
export const ledgerColumns = [
  ['id', 'id', 'text'],
  ['version', 'version', 'text'],
  ['name', 'name', 'text'],
  ['kind', 'kind', 'text'],
  ['outcome', 'outcome', 'text'],
  ['statements', 'statements', 'number'],
  ['checksum', 'checksum', 'text'],
  ['meaning', 'meaning', 'text'],
  ['rollback', 'rollback', 'text'],
  ['startedAt', 'started_at', 'text'],
  ['durationMs', 'duration_ms', 'number'],
  ['osUser', 'os_user', 'text'],
  ['dbUser', 'db_user', 'text'],
  ['host', 'host', 'text'],
  ['gitCommit', 'git_commit', 'text'],
  ['backupId', 'backup_id', 'text'],
  ['schemaBefore', 'schema_before', 'text'],
  ['schemaAfter', 'schema_after', 'text'],
  ['error', 'error', 'text'],
  ['reason', 'reason', 'text'],
  ['tool', 'tool', 'text'],
] as const satisfies readonly (readonly [keyof LedgerEvent, string, 'text' | 'number'])[];

/** The form of these tables; a ledger of a higher one was written by a newer dbops. */
export const LEDGER_FORMAT = 1;

/** Makes an event of a row, whose values are texts or numbers by column. */
export function eventOf(row: Readonly<Record<string, string | number | null>>): LedgerEvent {
  const fields = ledgerColumns.map(([field, column, type]) => {
    const value = row[column] ?? null;
    return [field, value === null ? null : type === 'number' ? Number(value) : String(value)];
  });
  return Object.fromEntries(fields) as LedgerEvent;
}
