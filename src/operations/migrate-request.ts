import { DbopsError } from '../core/errors.ts';
import { readNames, type MigrationName } from '../core/migrations/folder.ts';
import type { LedgerEvent } from '../core/migrations/ledger.ts';
import type { Migration } from '../core/migrations/plan.ts';
import { readScript, type ScriptRules } from '../core/migrations/script.ts';
import { readSections } from '../core/migrations/sections.ts';
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
    migrations.push(await readMigration(name, folder, rules));
  }
  const found = migrations.flatMap(({ up, rollback }) => [...up.problems, ...(rollback?.problems ?? [])]);
  return { migrations, problems: [...problems, ...found] };
}

async function readMigration(name: MigrationName, folder: MigrationFolder, rules: ScriptRules): Promise<Migration> {
  const { file, rollbackFile } = name;
  const bytes = await folder.read(file);
  // What is no UTF-8 has no sections that count: the script is refused either way.
  const sections = readSections(bytes.toString());
  if (sections === undefined) {
    const rollback =
      rollbackFile === undefined ? undefined : readScript(rollbackFile, await folder.read(rollbackFile), rules);
    return { ...name, up: readScript(file, bytes, rules), rollback };
  }
  const { up, down } = sections;
  const isEmpty = down === undefined || down.split('\n').every((line) => /^\s*(--.*)?$/.test(line));
  const rollback = isEmpty ? undefined : readScript(file, Buffer.from(down), rules);
  return { ...name, up: readScript(file, Buffer.from(up), rules), rollback };
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
