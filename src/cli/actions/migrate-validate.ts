import { validateMigrations } from '../../operations/migrate-validate.ts';
import { plainLines } from '../../report/format.ts';
import { migrateRequest, targetToMigrate, type MigrateFlags } from '../migrate-request.ts';
import type { CommandResult, Session } from '../session.ts';

export async function validate(
  session: Session,
  word: string | undefined,
  flags: MigrateFlags,
): Promise<CommandResult> {
  const request = await migrateRequest(session, targetToMigrate(session, word), flags);
  const { files, problems, irreversible } = await validateMigrations(request);
  const ok = problems.length === 0;
  return {
    document: { ok, ...(ok ? {} : { exitCode: 11, code: 'MIGRATION_INVALID' }), files, problems, irreversible },
    text: plainLines(
      [
        ...problems.map((problem) => `problem: ${problem}`),
        ...irreversible.map((name) => `without a rollback: ${name}`),
        `${files} migrations, ${problems.length} problems`,
      ].join('\n'),
    ),
    ...(ok ? {} : { exitCode: 11, failure: `${problems.length} problems in ${request.folder.path}` }),
  };
}
