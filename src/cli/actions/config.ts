import { configJsonSchema } from '../../config/schema.ts';
import { DbopsError } from '../../core/errors.ts';
import { addressOf } from '../run-backup.ts';
import type { CommandResult, Session } from '../session.ts';

export async function checkConfig(session: Session): Promise<CommandResult> {
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

export async function printSchema(): Promise<CommandResult> {
  const document = configJsonSchema();
  return { document, text: JSON.stringify(document, null, 2) };
}
