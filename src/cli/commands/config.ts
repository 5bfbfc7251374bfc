import type { Command } from 'commander';
import { addCommand, finishCommand } from '../command.ts';
import type { Runner } from '../runner.ts';

export function registerConfig(program: Command, runner: Runner): void {
  const config = program.command('config').description('Check the configuration, or print its schema.');
  const check = addCommand(config, {
    usage: 'check',
    summary: 'Read the configuration, and say every problem in it at once.',
    examples: [
      ['dbops config check', 'the one that applies here'],
      ['dbops config check --config /etc/dbops.yaml', 'another one'],
    ],
  });
  finishCommand(check).action(() =>
    runner.run(check, async (session) => {
      const { checkConfig } = await import('../actions/config.ts');
      return checkConfig(session);
    }),
  );
  const schema = addCommand(config, {
    usage: 'schema',
    summary: 'Print the JSON Schema of the configuration, for editors.',
    examples: [['dbops config schema > dbops.schema.json', 'for a `$schema` line or a modeline']],
  });
  finishCommand(schema).action(() =>
    runner.print(schema, async () => {
      const { printSchema } = await import('../actions/config.ts');
      return printSchema();
    }),
  );
}
