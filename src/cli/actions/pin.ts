import { DbopsError } from '../../core/errors.ts';
import { setPin } from '../../operations/set-pin.ts';
import type { CommandResult, Session } from '../session.ts';
import { openSubject, type SelectorFlags } from '../subject.ts';

export interface PinFlags extends SelectorFlags {
  readonly dryRun?: true;
}

export async function change(session: Session, word: string, flags: PinFlags, pinned: boolean): Promise<CommandResult> {
  await using opened = await openSubject(session, word, flags);
  const { stored, label } = opened.subject;
  if (stored === undefined || stored.backup.prefix === '') {
    throw new DbopsError('USAGE', `${label} is not named within its storage`, { hint: 'Give an id and --storage.' });
  }
  const dryRun = flags.dryRun === true;
  if (!dryRun) await setPin(stored.storage, stored.backup, pinned, session.ports, session.signal);
  const verb = pinned ? 'pinned' : 'unpinned';
  return {
    document: { ok: true, dryRun, id: stored.backup.manifest.id, target: stored.backup.manifest.target, pinned },
    text: `${dryRun ? 'would be ' : ''}${verb}: ${label}`,
  };
}
