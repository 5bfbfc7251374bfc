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
      ['dbops init "$DATABASE_URL"', 'for that one; its password is left out'],
    ],
  });
  command.option('--dry-run', 'print it instead');
  finishCommand(command).action((database: string | undefined, flags: { dryRun?: true }) =>
    runner.print(command, async (host, loadWorld) => {
      const { init } = await import('../actions/init.ts');
      return init(host, await loadWorld(), { database: database ?? './app.db', dryRun: flags.dryRun === true });
    }),
  );
}
