import type { Target } from '../config/settings.ts';
import { DbopsError } from '../core/errors.ts';
import { shellLine } from '../core/shell-line.ts';
import type { BackupNote } from '../operations/migrate-run.ts';
import { formatBytes } from '../report/format.ts';
import { addressOf } from './addresses.ts';
import type { BackupFlags } from './backup-request.ts';
import type { RunFlags } from './migrate-request.ts';
import { planBackup, runBackup } from './run-backup.ts';
import type { Session } from './session.ts';

/**
 * Backs a database up before it is changed; everything that the backup opened is closed again when this resolves.
 * @throws DbopsError when it is wanted and not whole in every storage: then nothing is to be changed
 */
export async function backUpFirst(
  session: Session,
  target: Target,
  { backup, storage }: Pick<RunFlags, 'backup' | 'storage'>,
): Promise<BackupNote | undefined> {
  const when = backup ?? target.migrations.backup;
  if (when === 'never') return undefined;
  const flags: BackupFlags = {
    class: 'pre-deploy',
    // What the command line has where nobody says otherwise.
    encrypt: true,
    owner: true,
    acl: true,
    blobs: true,
    ...(storage === undefined ? {} : { storage }),
  };
  if (when === 'auto') await refuseLarge(session, target, flags);
  const outcomes = await runBackup(session, target, flags);
  const failed = outcomes.find(({ error }) => error !== undefined);
  if (failed !== undefined) throw notBackedUp(failed.error);
  const [made] = outcomes;
  if (made?.manifest === undefined || made.storage === undefined) throw new Error('a backup without a manifest');
  const { id } = made.manifest;
  return { id, storage: made.storage, restore: restoreLine(session, target, id, storage?.[0]) };
}

async function refuseLarge(session: Session, target: Target, flags: BackupFlags): Promise<void> {
  const [plan] = await planBackup(session, target, flags);
  const { backupLimitBytes } = target.migrations;
  if (plan === undefined || plan.bytes <= backupLimitBytes) return;
  throw new DbopsError(
    'REFUSED',
    `${target.name} has ${formatBytes(plan.bytes)}, more than is backed up without being asked (${formatBytes(backupLimitBytes)})`,
    { hint: 'Say --backup always or --backup never, or set migrations.backupLimit of this target.' },
  );
}

function notBackedUp(error: unknown): unknown {
  if (!(error instanceof DbopsError)) return error;
  return new DbopsError(error.code, `nothing was migrated, because the backup failed: ${error.message}`, {
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    cause: error,
  });
}

/** What puts the database back, all of it named, so that it works from another shell too. */
function restoreLine(session: Session, target: Target, id: string, storage: string | undefined): string {
  const { config } = session.flags;
  const { places } = session.world.engineForAddress(target.address);
  const into = target.named ? target.name : addressOf(session, target).location;
  return shellLine([
    'dbops',
    'restore',
    id,
    ...(config === undefined ? [] : ['--config', config]),
    '--target',
    target.name,
    ...(storage === undefined ? [] : ['--storage', storage]),
    '--into',
    into,
    ...(places === 'server' ? ['--owner', '--acl'] : []),
    ...(target.protected ? ['--yes-replace', target.name] : ['--yes']),
  ]);
}
