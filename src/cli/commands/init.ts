import type { Command } from 'commander';
import { addCommand, finishCommand } from '../command.ts';
import type { Runner } from '../runner.ts';

export function registerInit(program: Command, runner: Runner): void {
  const command = addCommand(program, {
    usage: 'init [database]',
    summary: 'Write a commented configuration into this folder.',
    examples: [
      ['dbops init', 'for ./app.db, to be edited'],
      ['dbops init data/shop.db', 'for that database'],
    ],
  });
  command.option('--dry-run', 'print it instead');
  finishCommand(command).action((database: string | undefined, flags: { dryRun?: true }) =>
    runner.print(command, async (host) => {
      const { init } = await import('../actions/init.ts');
      return init(host, database ?? './app.db', flags.dryRun === true);
    }),
  );
}
