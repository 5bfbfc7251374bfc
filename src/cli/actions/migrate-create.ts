import { resolve } from 'node:path';
import { DbopsError } from '../../core/errors.ts';
import { createNames } from '../../operations/migrate-create.ts';
import { folderOf, type CreateFlags } from '../migrate-request.ts';
import type { CommandResult, Session } from '../session.ts';

export async function create(session: Session, name: string, flags: CreateFlags): Promise<CommandResult> {
  const folder = session.ports.migrationFolder(placeOf(session, flags));
  const { version, files } = await createNames(folder, name, flags.rollback, session.ports);
  return {
    document: { ok: true, version, files },
    text: '',
    exactLines: files,
  };
}

function placeOf(session: Session, { target: name, folder }: CreateFlags): string {
  const { settings, host } = session;
  const only = settings.targetNames.length === 1 ? settings.targetNames[0] : undefined;
  const wanted = name ?? only;
  const target = wanted === undefined ? undefined : settings.configured(wanted);
  if (name !== undefined && target === undefined) {
    throw new DbopsError('USAGE', `no target ${name} is configured`, { hint: 'See `dbops config show`.' });
  }
  if (target !== undefined) return folderOf(session, target, folder);
  return resolve(host.cwd, folder ?? 'migrations');
}
