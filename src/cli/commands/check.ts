import type { Command } from 'commander';
import { addCommand, finishCommand } from '../command.ts';
import type { Runner } from '../runner.ts';

export function registerCheck(program: Command, runner: Runner): void {
  const check = program.command('check').description('Try out whether a storage does what backups need.');
  const storage = addCommand(check, {
    usage: 'storage [name]',
    summary: 'Write, read, list and remove in a storage (default: the default one), and say what does not work.',
    examples: [
      ['dbops check storage ./backups', 'a folder'],
      ['dbops check storage offsite', 'one that the configuration names'],
    ],
  });
  finishCommand(storage).action((word: string | undefined) =>
    runner.run(storage, async (session) => {
      const { checkOne } = await import('../actions/check-storage.ts');
      return checkOne(session, word);
    }),
  );
}
