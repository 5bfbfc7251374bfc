import type { Command } from 'commander';
import { addCommand, finishCommand, selectorOptions } from '../command.ts';
import { identityOption } from '../keys.ts';
import type { Runner } from '../runner.ts';
import type { SelectorFlags } from '../subject.ts';

export function registerShow(program: Command, runner: Runner): void {
  const command = addCommand(program, {
    usage: 'show [backup]',
    summary: 'Show all that is known of one backup (default: latest).',
    examples: [
      ['dbops show', 'the latest'],
      ['dbops show --target app --at 2026-11-20T02:00', 'the one to restore for that time'],
      ['dbops show latest --json', 'its manifest'],
    ],
  });
  finishCommand(identityOption(selectorOptions(command))).action((word: string | undefined, flags: SelectorFlags) =>
    runner.run(command, async (session) => {
      const { show } = await import('../actions/show.ts');
      return show(session, word ?? 'latest', flags);
    }),
  );
}
