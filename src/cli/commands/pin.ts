import type { Command } from 'commander';
import { DbopsError } from '../../core/errors.ts';
import { setPin } from '../../operations/set-pin.ts';
import { addCommand, finishCommand, selectorOptions } from '../command.ts';
import type { Runner } from '../program.ts';
import type { CommandResult, Session } from '../session.ts';
import { openSubject, type SelectorFlags } from '../subject.ts';

interface PinFlags extends SelectorFlags {
  readonly dryRun?: true;
}

export function registerPin(program: Command, runner: Runner): void {
  const pin = addCommand(program, {
    usage: 'pin <backup>',
    summary: 'Keep a backup, whatever retention says.',
    examples: [
      ['dbops pin latest', 'before something risky'],
      ['dbops pin 20261120T020000Z', 'by the beginning of its id'],
    ],
  });
  const unpin = addCommand(program, {
    usage: 'unpin <backup>',
    summary: 'Leave a backup to retention again.',
    examples: [['dbops unpin latest', 'the risk is over']],
  });
  for (const [command, pinned] of [
    [pin, true],
    [unpin, false],
  ] as const) {
    selectorOptions(command).option('--dry-run', 'say which backup is meant');
    finishCommand(command).action((word: string, flags: PinFlags) =>
      runner.run(command, (session) => change(session, word, flags, pinned)),
    );
  }
}

async function change(session: Session, word: string, flags: PinFlags, pinned: boolean): Promise<CommandResult> {
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
