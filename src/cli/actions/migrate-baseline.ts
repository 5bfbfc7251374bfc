import { DbopsError } from '../../core/errors.ts';
import { migrateBaseline } from '../../operations/migrate-baseline.ts';
import { plain } from '../../report/format.ts';
import { LOCK_WAIT_MS, migrateRequest, parseVersion, targetToMigrate, type BaselineFlags } from '../migrate-request.ts';
import type { CommandResult, Session } from '../session.ts';

export async function baseline(
  session: Session,
  word: string | undefined,
  flags: BaselineFlags,
): Promise<CommandResult> {
  const to = flags.to === '0' ? flags.to : parseVersion(flags.to);
  if (to === undefined) {
    throw new DbopsError('USAGE', 'baseline needs to know up to where', {
      hint: 'Add --to with the last version that the database has, or --to 0 for none.',
    });
  }
  const request = await migrateRequest(session, targetToMigrate(session, word), flags);
  const lockWaitMs = flags.lockWait ?? LOCK_WAIT_MS;
  const { database, recorded } = await migrateBaseline({ ...request, to, lockWaitMs }, session.ports);
  return {
    document: { ok: true, database, recorded },
    text: [
      ...recorded.map((name) => `recorded ${name}`),
      `${plain(database)}: ${recorded.length} recorded as applied; nothing was run`,
    ].join('\n'),
  };
}
