import { migrateHealth } from '../../operations/migrate-health.ts';
import { plain } from '../../report/format.ts';
import { migrateRequest, targetToMigrate, type MigrateFlags } from '../migrate-request.ts';
import type { CommandResult, Session } from '../session.ts';

export async function health(session: Session, word: string | undefined, flags: MigrateFlags): Promise<CommandResult> {
  const request = await migrateRequest(session, targetToMigrate(session, word), flags);
  const { database, findings, pending } = await migrateHealth(request);
  const ok = findings.length === 0;
  return {
    document: { ok, ...(ok ? {} : { exitCode: 11, code: 'MIGRATION_DRIFT' }), database, findings, pending },
    text: [
      ...findings.map((finding) => `finding: ${plain(finding)}`),
      `${plain(database)}: ${ok ? 'healthy' : `${findings.length} findings`}, ${pending} pending`,
    ].join('\n'),
    ...(ok ? {} : { exitCode: 11, failure: `${findings.length} findings` }),
  };
}
