import type { Command } from 'commander';
import { configJsonSchema } from '../../config/schema.ts';
import { DbopsError } from '../../core/errors.ts';
import { addCommand, finishCommand } from '../command.ts';
import type { Runner } from '../program.ts';
import { addressOf } from '../run-backup.ts';
import type { CommandResult, Session } from '../session.ts';

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
  finishCommand(check).action(() => runner.run(check, checkConfig));
  const schema = addCommand(config, {
    usage: 'schema',
    summary: 'Print the JSON Schema of the configuration, for editors.',
    examples: [['dbops config schema > dbops.schema.json', 'for a `$schema` line or a modeline']],
  });
  finishCommand(schema).action(() => runner.print(schema, printSchema));
}

async function checkConfig(session: Session): Promise<CommandResult> {
  const { settings } = session;
  if (settings.configPath === undefined) {
    throw new DbopsError('CONFIG_INVALID', 'no configuration was found here or in a folder above', {
      hint: 'Write one with `dbops init`, or name it with --config.',
    });
  }
  const targets = settings.targetNames.map((name) => {
    const target = session.targetOf(name);
    const { location } = settings.storageOf(target, undefined);
    return { name, database: addressOf(session, target).location, storage: location, checks: target.checks.length };
  });
  const lines = targets.map(({ name, database, storage }) => `  ${name}: ${database} -> ${storage}`);
  return {
    document: { ok: true, config: settings.configPath, targets },
    text: [`${settings.configPath} is sound`, ...lines].join('\n'),
  };
}

async function printSchema(): Promise<CommandResult> {
  const document = configJsonSchema();
  return { document, text: JSON.stringify(document, null, 2) };
}
