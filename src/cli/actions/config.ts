import { configJsonSchema } from '../../config/schema.ts';
import type { Target } from '../../config/settings.ts';
import { refuseContradictions } from '../../core/dump-options.ts';
import { DbopsError } from '../../core/errors.ts';
import { tryEncoding } from '../../operations/rehearse.ts';
import { addressOf } from '../addresses.ts';
import { encryptionFor } from '../keys.ts';
import type { CommandResult, Session } from '../session.ts';

export async function checkConfig(session: Session): Promise<CommandResult> {
  const { settings } = session;
  if (settings.configPath === undefined) {
    throw new DbopsError('CONFIG_INVALID', 'no configuration was found here or in a folder above', {
      hint: 'Write one with `dbops init`, or name it with --config.',
    });
  }
  await refuseUnusable(session, settings.configPath);
  const targets = settings.targetNames.map((name) => {
    const target = session.targetOf(name);
    const storages = settings.storagesOf(target, []).map(({ location }) => location);
    return { name, database: addressOf(session, target).location, storages, checks: target.checks.length };
  });
  const lines = targets.map(({ name, database, storages }) => `  ${name}: ${database} -> ${storages.join(', ')}`);
  return {
    document: { ok: true, config: settings.configPath, targets },
    text: [`${settings.configPath} is sound`, ...lines].join('\n'),
  };
}

/** What the form of the file does not show: addresses that nothing reads, options of which one has no effect. */
async function refuseUnusable(session: Session, path: string): Promise<void> {
  const { settings, world } = session;
  const locate = (address: string, { folder }: Pick<Target, 'folder'>): unknown =>
    world.engineForAddress(address).locate(address, folder);
  const { scratchUrl } = settings;
  const problems = [
    ...settings.targetNames.flatMap((name) => {
      const target = session.targetOf(name);
      const { address, replica, dump } = target;
      return [
        ...problemOf(`targets.${name}.database`, () => locate(address, target)),
        ...(replica === undefined ? [] : problemOf(`targets.${name}.replica`, () => locate(replica, target))),
        ...problemOf(`targets.${name}.dump`, () => refuseContradictions(dump)),
      ];
    }),
    ...(await encryptionProblems(session)),
    ...(await storageProblems(session)),
    ...(scratchUrl === undefined ? [] : problemOf('scratchUrl', () => locate(scratchUrl, { folder: '/' }))),
  ];
  if (problems.length === 0) return;
  const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`;
  throw new DbopsError('CONFIG_INVALID', `${path} has ${count}:${problems.map((line) => `\n  ${line}`).join('')}`, {
    hint: 'Correct the file. All keys and forms of addresses: docs/configuration.md.',
  });
}

/** Recipients that are none, and files of them that cannot be read, would fail every backup. */
async function encryptionProblems(session: Session): Promise<string[]> {
  const found = await Promise.all(
    session.settings.targetNames.map(async (name) => {
      const encrypting = encryptionFor(session, name, { encrypt: true });
      if (encrypting === undefined || encrypting.sources.passphrase) return [];
      try {
        await tryEncoding(session.portsWith(encrypting.keyring).codecs, session);
        return [];
      } catch (error) {
        if (error instanceof DbopsError) return [`targets.${name}: encryption: ${error.message}`];
        throw error;
      }
    }),
  );
  return found.flat();
}

/** Opening touches nothing, and refuses what a storage cannot honour. */
async function storageProblems(session: Session): Promise<string[]> {
  const problems: string[] = [];
  for (const [name, choice] of session.settings.namedStorages()) {
    try {
      await using _ = await session.openStorage(choice);
    } catch (error) {
      if (!(error instanceof DbopsError)) throw error;
      problems.push(`storages.${name}: ${error.message}`);
    }
  }
  return problems;
}

function problemOf(place: string, look: () => unknown): string[] {
  try {
    look();
    return [];
  } catch (error) {
    if (error instanceof DbopsError) return [`${place}: ${error.message}`];
    throw error;
  }
}

export async function printSchema(): Promise<CommandResult> {
  const document = configJsonSchema();
  return { document, text: JSON.stringify(document, null, 2) };
}
