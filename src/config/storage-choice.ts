import { resolve } from 'node:path';
import { DbopsError } from '../core/errors.ts';
import { storageSettingsSchema, type StorageAddress, type StorageSettings } from '../core/storage-settings.ts';
import { readVariable, type Environment } from './interpolate.ts';
import type { ConfigFile, StorageConfig } from './schema.ts';

/** A storage that a command works on. */
export interface ChosenStorage extends StorageAddress {
  /** Rules of retention that hold in this storage alone. */
  readonly retention: ConfigFile['retention'];
}

/** Where words that name storages come from. */
export interface StorageWords {
  readonly storages: NonNullable<ConfigFile['storages']>;
  /** Relative locations of the configuration start here. */
  readonly folder: string;
  readonly env: Environment;
}

type Chosen = readonly [ChosenStorage, ...ChosenStorage[]];

/**
 * Each word is a name of the configuration, or a location; `folder` is where relative locations that are no names start.
 * Undefined for no words.
 */
export function chooseAll(words: readonly string[], folder: string, where: StorageWords): Chosen | undefined {
  const [first, ...others] = words.map((word) => choose(word, folder, where));
  return first === undefined ? undefined : [first, ...others];
}

function choose(word: string, folder: string, { storages, folder: home, env }: StorageWords): ChosenStorage {
  const known = Object.hasOwn(storages, word) ? storages[word] : undefined;
  if (known !== undefined) return toChoice(known, home, env);
  // By whatever way a configured storage is named, what was said of it holds.
  const place = placeOf(word, folder);
  const same = Object.values(storages).find((config) => placeOf(urlOf(config), home) === place);
  return same === undefined ? toChoice(word, folder, env) : toChoice(same, home, env);
}

function urlOf(config: StorageConfig): string {
  return typeof config === 'string' ? config : config.url;
}

/** The same for all ways to write one place. */
function placeOf(location: string, folder: string): string {
  return isObjectStore(location) ? location.replace(/\/+$/, '') : resolve(folder, location.replace(/^file:\/\//, ''));
}

/** Where backups go when neither a flag nor a configuration says it: the variables of old scripts, else `./backups`. */
export function storagesOfEnvironment(cwd: string, env: Environment): Chosen {
  const folder = variable('BACKUP_DIR', env);
  const bucket = variable('S3_BUCKET', env);
  if (bucket === undefined) return [toChoice(folder ?? './backups', cwd, env)];
  const url = bucket.startsWith('s3://') ? bucket : `s3://${bucket}`;
  const remote = toChoice(url, cwd, env);
  return folder === undefined ? [remote] : [toChoice(folder, cwd, env), remote];
}

function toChoice(config: StorageConfig, folder: string, env: Environment): ChosenStorage {
  if (typeof config === 'string') return toChoice({ url: config }, folder, env);
  const { url: location, retention, ...settings } = config;
  return {
    location,
    folder,
    retention,
    settings: isObjectStore(location) ? withVariables(settings, /^s3:/i.test(location), env) : settings,
  };
}

function isObjectStore(location: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(location) && !location.startsWith('file://');
}

/**
 * The endpoint, and credentials that are kept in files: what the SDK finds by itself is left to it.
 */
function withVariables(settings: StorageSettings, isS3: boolean, env: Environment): StorageSettings {
  const endpoint = settings.endpoint ?? (isS3 ? endpointOf(env) : undefined);
  const own = { ...settings, ...(endpoint === undefined ? {} : { endpoint }) };
  const isInFile = credentialNames.some((name) => (env[`${name}_FILE`] ?? '') !== '' && (env[name] ?? '') === '');
  if (own.accessKeyId !== undefined || own.profile !== undefined || !isInFile) return own;
  const [accessKeyId, secretAccessKey, sessionToken] = credentialNames.map((name) => variable(name, env));
  return {
    ...own,
    ...(accessKeyId === undefined ? {} : { accessKeyId }),
    ...(secretAccessKey === undefined ? {} : { secretAccessKey }),
    ...(sessionToken === undefined ? {} : { sessionToken }),
  };
}

/** The same rules as for the key of the configuration. Not repeated in words: there may be a login in it. */
function endpointOf(env: Environment): string | undefined {
  const { success, data, error } = storageSettingsSchema.shape.endpoint.safeParse(variable('S3_ENDPOINT', env));
  if (success) return data;
  throw new DbopsError('CONFIG_INVALID', `S3_ENDPOINT is no endpoint: ${error.issues[0]?.message ?? ''}`, {
    hint: 'Write S3_ENDPOINT=https://host:port, or http://127.0.0.1:9000 for a store on this machine.',
  });
}

const credentialNames = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN'] as const;

/** @throws DbopsError CONFIG_INVALID when its `_FILE` twin names a file that cannot be read. */
export function variable(name: string, env: Environment): string | undefined {
  const { value, problem } = readVariable(name, env);
  if (problem !== undefined) {
    throw new DbopsError('CONFIG_INVALID', problem, {
      hint: `Name a file in ${name}_FILE that this user can read, or unset it.`,
    });
  }
  return value;
}
