import { resolve } from 'node:path';
import type { Target } from '../config/settings.ts';
import { DbopsError } from '../core/errors.ts';
import type { Tolerance } from '../core/migrations/plan.ts';
import type { MigrateRequest } from '../operations/migrate-request.ts';
import { addressOf } from './addresses.ts';
import { gitOf } from './backup-request.ts';
import type { Session } from './session.ts';

export interface MigrateFlags {
  readonly folder?: string;
  readonly table?: string;
}

export interface CreateFlags {
  readonly folder?: string;
  readonly target?: string;
  /** False by `--no-rollback`. */
  readonly rollback: boolean;
}

export interface StatusFlags extends MigrateFlags {
  readonly check?: true;
}

export interface RunFlags extends MigrateFlags {
  readonly to?: string;
  readonly steps?: number;
  readonly allow?: readonly Tolerance[];
  readonly create?: true;
  readonly dryRun?: true;
  readonly backup?: 'auto' | 'always' | 'never';
  readonly storage?: readonly string[];
  readonly lockWait?: number;
  readonly lockTimeout?: number;
  readonly lockRetries?: number;
  readonly yesReplace?: string;
}

export interface RepairFlags extends MigrateFlags {
  readonly accept?: string;
  readonly applied?: string;
  readonly forget?: string;
  readonly reason?: string;
  readonly lockWait?: number;
}

export interface BaselineFlags extends MigrateFlags {
  readonly to?: string;
  readonly lockWait?: number;
}

/** The one database that is meant. */
export function targetToMigrate(session: Session, word: string | undefined): Target {
  const words = word === undefined ? session.settings.defaultTargets() : [word];
  const [only, ...more] = words;
  if (only !== undefined && more.length === 0) return session.targetOf(only);
  throw new DbopsError('USAGE', 'several databases are configured', {
    hint: `Name the one to migrate: ${words.join(', ')}.`,
  });
}

export async function migrateRequest(
  session: Session,
  target: Target,
  flags: MigrateFlags & { readonly create?: true },
): Promise<MigrateRequest> {
  const { name } = session.world.engineForAddress(target.address);
  const { env } = session.host;
  return {
    engine: await session.ports.migrationsByName(name),
    address: addressOf(session, target),
    folder: session.ports.migrationFolder(folderOf(session, target, flags.folder)),
    table: flags.table ?? target.migrations.table,
    create: flags.create === true,
    osUser: env['USER'] ?? env['LOGNAME'] ?? null,
    gitCommit: gitOf(session)?.commit ?? null,
    signal: session.signal,
  };
}

/** As named by hand, else as the target has it. */
export function folderOf({ host }: Session, { folder, migrations }: Target, named: string | undefined): string {
  return named === undefined ? resolve(folder, migrations.folder) : resolve(host.cwd, named);
}

/** How long to wait for another run, which is most often one of the same deploy. */
export const LOCK_WAIT_MS = 60_000;

/** @throws DbopsError USAGE */
export function parseVersion(word: string | undefined): string | undefined {
  if (word === undefined || /^\d{14}$/.test(word)) return word;
  throw new DbopsError('USAGE', `${JSON.stringify(word)} is no version`, {
    hint: 'Write the fourteen digits that the file begins with.',
  });
}
