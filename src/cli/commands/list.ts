import type { Command } from 'commander';
import { addCommand, finishCommand, selectorOptions } from '../command.ts';
import type { Runner } from '../runner.ts';
import type { SelectorFlags } from '../subject.ts';

export function registerList(program: Command, runner: Runner): void {
  const command = addCommand(program, {
    usage: 'list',
    summary: 'List the backups of a storage, oldest first.',
    examples: [
      ['dbops list', 'what is in the default storage'],
      ['dbops list --storage /srv/backups --target app', 'of one target'],
      ['dbops list --json', 'for scripts'],
    ],
  });
  finishCommand(selectorOptions(command)).action((flags: SelectorFlags) =>
    runner.run(command, async (session) => {
      const { list } = await import('../actions/list.ts');
      return list(session, flags);
    }),
  );
}
