import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Host } from './cli/host.ts';
import type { GeneratedKey, World } from './cli/world.ts';
import { generateSecret, recipientOf } from './codecs/age/header.ts';
import { createCodecs } from './codecs/codecs.ts';
import { hasCode } from './core/errors.ts';
import type { Storage } from './core/ports/storage.ts';
import { engineByName, engineDrivers, engineForAddress } from './engines/driver.ts';
import type { EngineHost } from './engines/engine-driver.ts';
import { identityText, writeIdentity } from './keys/generate.ts';
import { createKeyring } from './keys/keyring.ts';
import { withoutKeys } from './keys/secret-command.ts';
import { systemClock, systemRandom } from './platform/clock.ts';
import { openLog } from './platform/log.ts';
import { openMigrationFolder } from './platform/migration-folder.ts';
import { cacheFolderIn } from './platform/private-folder.ts';
import { openScratch } from './platform/scratch.ts';
import { createLock } from './storage/lease.ts';
import { openStorage } from './storage/stack.ts';

/** The composition root: the one file that knows every adapter. */
export function createWorld(version: string, wrapStorage: (storage: Storage) => Storage = (storage) => storage): World {
  return {
    clock: systemClock,
    createPorts: ({ reporter, host }) => ({
      clock: systemClock,
      random: systemRandom,
      reporter,
      codecs: createCodecs(host.env['PATH']),
      openScratch,
      freeBytes,
      lockOf: (storage) => createLock(storage, systemClock, systemRandom),
      engineByName: (name) => engineByName(name).load(engineHost(host)),
      engineByHead: async (head) => engineDrivers.find((driver) => driver.recognises(head))?.load(engineHost(host)),
      engineByFolder: async (names) =>
        engineDrivers.find((driver) => driver.recognisesFolder(names))?.load(engineHost(host)),
      migrationsByName: (name) => engineByName(name).loadMigrations(engineHost(host)),
      migrationFolder: openMigrationFolder,
      temporaryFolder: host.temporaryFolder,
      host: host.hostname,
      version,
    }),
    createKeyring: (sources, host, hide) =>
      createKeyring(sources, {
        environment: host.env,
        interactive: host.interactive,
        askSecret: (question) => host.askSecret(question),
        hide,
      }),
    createCodecs: ({ env }, keyring) => createCodecs(env['PATH'], keyring),
    generateKey,
    openStorage: async (address, { env }, log) =>
      wrapStorage(
        await openStorage(address, { environment: env, clock: systemClock, cacheFolder: cacheFolderIn(env) }, log),
      ),
    openLog,
    engineForAddress,
  };
}

async function generateKey(file: string | undefined): Promise<GeneratedKey> {
  const secret = await generateSecret();
  const recipient = (await recipientOf(secret)) ?? '';
  const text = identityText({ secret, recipient }, systemClock.now());
  if (file !== undefined) await writeIdentity(file, text);
  return { recipient, text };
}

function engineHost({ env, temporaryFolder }: Host): EngineHost {
  return { environment: withoutKeys(env), temporaryFolder, codecs: createCodecs(env['PATH']) };
}

async function freeBytes(folder: string): Promise<number | undefined> {
  try {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  } catch (error) {
    const parent = dirname(folder);
    return hasCode(error, 'ENOENT') && parent !== folder ? freeBytes(parent) : undefined;
  }
}
