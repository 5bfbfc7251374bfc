import { DbopsError, exitCodeOf } from '../../core/errors.ts';
import type { StorageRemark } from '../../core/ports/storage.ts';
import { checkStorage } from '../../operations/check-storage.ts';
import { plain } from '../../report/format.ts';
import type { CommandResult, Session } from '../session.ts';

export async function checkOne(session: Session, word: string | undefined): Promise<CommandResult> {
  await using storage = await session.openStorage(session.settings.storageOf(undefined, word));
  const checks = await checkStorage(storage, session.ports, { signal: session.signal });
  const problems = checks.filter(({ level }) => level === 'problem');
  const exitCode = problems.length === 0 ? 0 : exitCodeOf(new DbopsError('STORAGE_FAILED', ''));
  return {
    exitCode,
    document: { ok: exitCode === 0, exitCode, storage: storage.label, checks },
    text: [`${plain(storage.label)}:`, ...checks.flatMap(describe)].join('\n'),
    ...(exitCode === 0
      ? {}
      : { failure: `${storage.label} is not fit for backups: ${problems.map(({ name }) => name).join(', ')}` }),
  };
}

const marks: Readonly<Record<StorageRemark['level'], string>> = {
  fine: 'ok     ',
  note: 'note   ',
  problem: 'PROBLEM',
};

function describe({ name, level, text, hint }: StorageRemark): string[] {
  return [`  ${marks[level]} ${name}: ${plain(text)}`, ...(hint === undefined ? [] : [`          ${plain(hint)}`])];
}
