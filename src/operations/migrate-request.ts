import { DbopsError } from '../core/errors.ts';
import { readNames } from '../core/migrations/folder.ts';
import type { LedgerEvent } from '../core/migrations/ledger.ts';
import type { Migration } from '../core/migrations/plan.ts';
import { readScript, type ScriptRules } from '../core/migrations/script.ts';
import type { DatabaseAddress } from '../core/ports/engine.ts';
import type { MigrationFolder } from '../core/ports/migration-folder.ts';
import type { MigrationEngine, MigrationTarget } from '../core/ports/migration-target.ts';
import type { Ports } from './ports.ts';

/** What every work on migrations needs. */
export interface MigrateRequest {
  readonly engine: MigrationEngine;
  readonly address: DatabaseAddress;
  readonly folder: MigrationFolder;
  /** The table of the ledger. */
  readonly table: string;
  readonly create: boolean;
  readonly osUser: string | null;
  readonly gitCommit: string | null;
  readonly signal: AbortSignal;
}

export interface MigrationFiles {
  readonly migrations: readonly Migration[];
  /** Everything that is wrong with names and files. */
  readonly problems: readonly string[];
}

/** Reads all files of the folder. */
export async function readMigrations(folder: MigrationFolder, rules: ScriptRules): Promise<MigrationFiles> {
  const { migrations: names, problems } = readNames(await folder.names());
  const migrations: Migration[] = [];
  for (const name of names) {
    const up = readScript(name.file, await folder.read(name.file), rules);
    const { rollbackFile } = name;
    const rollback =
      rollbackFile === undefined ? undefined : readScript(rollbackFile, await folder.read(rollbackFile), rules);
    migrations.push({ ...name, up, rollback });
  }
  const found = migrations.flatMap(({ up, rollback }) => [...up.problems, ...(rollback?.problems ?? [])]);
  return { migrations, problems: [...problems, ...found] };
}

/** @throws DbopsError MIGRATION_INVALID with all of them */
export function refuseProblems(problems: readonly string[]): void {
  if (problems.length === 0) return;
  throw new DbopsError('MIGRATION_INVALID', problems.join('\n'), {
    hint: 'Nothing was run. Correct these files; `dbops migrate validate` looks at them again.',
  });
}

export function openTarget({ engine, address, table, create, signal }: MigrateRequest): Promise<MigrationTarget> {
  return engine.open(address, { table, create, signal });
}

/** An event that has everything but what only the run itself knows. */
export function eventFor(
  { version, name }: Pick<LedgerEvent, 'version' | 'name'>,
  kind: LedgerEvent['kind'],
  { osUser, gitCommit }: MigrateRequest,
  ports: Ports,
): LedgerEvent {
  return {
    id: Buffer.from(ports.random(12)).toString('hex'),
    version,
    name,
    kind,
    outcome: 'done',
    statements: 0,
    checksum: null,
    meaning: null,
    rollback: null,
    startedAt: ports.clock.now().toISOString(),
    durationMs: null,
    osUser,
    dbUser: null,
    host: ports.host,
    gitCommit,
    backupId: null,
    schemaBefore: null,
    schemaAfter: null,
    error: null,
    reason: null,
    tool: ports.version,
  };
}
