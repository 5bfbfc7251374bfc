import { resolve } from 'node:path';
import type { DumpOptions } from '../core/dump-options.ts';
import { parseDuration } from '../core/duration.ts';
import type { Encryption } from '../core/encryption.ts';
import { DbopsError } from '../core/errors.ts';
import { deriveTargetName, parseTargetName, type TargetName } from '../core/ids.ts';
import type { FactLevel, VerifyLevel } from '../core/levels.ts';
import type { Tolerance } from '../core/migrations/plan.ts';
import type { Check, DatabaseAccess } from '../core/ports/engine.ts';
import { defaultPolicy, policyOfDays, type RetentionPolicy } from '../core/retention.ts';
import { addressIn } from './address-variables.ts';
import { encryptionOf } from './encryption.ts';
import type { Environment } from './interpolate.ts';
import type { LoadedConfig } from './load.ts';
import type { MigrationsConfig, TargetConfig } from './schema.ts';
import { chooseAll, storagesOfEnvironment, variable, type ChosenStorage } from './storage-choice.ts';

const DEFAULT_LOCK_TIMEOUT_MS = 30_000;

/** A database to work on, with everything that was said about it. */
export interface Target {
  readonly name: TargetName;
  /** True when the configuration names it. */
  readonly named: boolean;
  readonly address: string;
  /** One of several that the address leads to; undefined where it leads to one alone. */
  readonly database?: string;
  /** Relative addresses start here. */
  readonly folder: string;
  /** Names or locations of the storages that its backups go to; empty for the default ones. */
  readonly storages: readonly string[];
  readonly class: string;
  readonly compress: string;
  readonly facts: FactLevel;
  readonly protected: boolean;
  readonly lockTimeoutMs: number;
  /** Address of a standby that is dumped in the place of the database. */
  readonly replica?: string;
  readonly access: DatabaseAccess;
  readonly dump: DumpOptions;
  readonly checks: readonly Check[];
  readonly migrations: MigrationSettings;
}

/** How a database is migrated. */
export interface MigrationSettings {
  /** Relative to `folder` of the target. */
  readonly folder: string;
  readonly table: string;
  readonly allow: readonly Tolerance[];
  readonly backup: 'auto' | 'always' | 'never';
  /** Above it, `auto` leaves the decision to a person. */
  readonly backupLimitBytes: number;
}

/** Configuration, environment and defaults, joined in the one place that knows their order. */
export interface Settings {
  readonly configPath: string | undefined;
  readonly targetNames: readonly string[];
  readonly verify: 'none' | VerifyLevel;
  readonly lockWaitMs: number;
  readonly scratchDir: string | undefined;
  readonly scratchUrl: string | undefined;
  /** A configured name, or an address given by hand; `nameOf` makes a name for the latter. */
  targetOf(word: string, nameOf: (address: string, folder: string) => string): Target;
  configured(name: string): Target | undefined;
  /** Of a target, or what holds for all others. */
  encryptionOf(target: string | undefined): Encryption;
  /** The database that the environment names, where the configuration names none. */
  environmentAddress(): string | undefined;
  /** The targets that are meant when none is named. */
  defaultTargets(): readonly string[];
  /** The storages that backups go to: those of the flag, the target's, the default ones. */
  storagesOf(target: Target | undefined, named: readonly string[]): readonly [ChosenStorage, ...ChosenStorage[]];
  /** Those that the configuration gives names. */
  namedStorages(): readonly (readonly [string, ChosenStorage])[];
  /** The one that is read: the first of them. */
  storageOf(target: Target | undefined, named: string | undefined): ChosenStorage;
  policyOf(target: string, days: number | undefined, storage?: ChosenStorage): RetentionPolicy;
}

export function createSettings(loaded: LoadedConfig | undefined, env: Environment, cwd: string): Settings {
  const config = loaded?.config ?? {};
  const folder = loaded?.folder ?? cwd;
  const targets: Readonly<Record<string, TargetConfig>> = config.targets ?? {};
  const configured = (name: string): Target | undefined => {
    const raw = Object.hasOwn(targets, name) ? targets[name] : undefined;
    return raw === undefined ? undefined : namedTarget(parseTargetName(name), raw, folder, config.compress);
  };
  const storagesOf: Settings['storagesOf'] = (target, named) => {
    const words = { storages: config.storages ?? {}, folder, env };
    const own = target?.storages ?? [];
    const configured = own.length > 0 ? own : [config.storage ?? []].flat();
    return chooseAll(named, cwd, words) ?? chooseAll(configured, folder, words) ?? storagesOfEnvironment(cwd, env);
  };
  return {
    configPath: loaded?.path,
    targetNames: Object.keys(targets),
    verify: config.verify ?? 'checksum',
    lockWaitMs: parseDuration(config.lockWait ?? '0s'),
    scratchDir: config.scratchDir === undefined ? undefined : resolve(folder, config.scratchDir),
    scratchUrl: config.scratchUrl,
    configured,
    encryptionOf: (target) => encryptionOf(config, target, folder),
    targetOf: (word, nameOf) =>
      configured(refuseEmpty(word)) ?? unnamedTarget(word, nameOf(word, cwd), cwd, config.compress),
    environmentAddress: () => (Object.keys(targets).length > 0 ? undefined : addressIn((name) => variable(name, env))),
    defaultTargets: () => defaultTargets(Object.keys(targets), env),
    storagesOf,
    namedStorages: () =>
      Object.keys(config.storages ?? {}).map((name) => [name, storagesOf(undefined, [name])[0]] as const),
    storageOf: (target, named) => storagesOf(target, named === undefined ? [] : [named])[0],
    policyOf: (target, days, storage) => {
      const rules = [config.retention, targets[target]?.retention, storage?.retention].filter(
        (own) => own !== undefined,
      );
      const base: RetentionPolicy = Object.assign({}, defaultPolicy, ...rules, {
        classes: Object.assign({}, defaultPolicy.classes, ...rules.map(({ classes }) => classes)),
      });
      const chosen = days ?? (rules.length === 0 ? retentionDays(env) : undefined);
      return chosen === undefined ? base : policyOfDays(chosen, base);
    },
  };
}

function refuseEmpty(word: string): string {
  if (word.trim() !== '') return word;
  throw new DbopsError('USAGE', 'an empty word names no database', {
    hint: 'A variable on the command line is not set. Name a target, a path or an address.',
  });
}

function namedTarget(name: TargetName, raw: TargetConfig, folder: string, compress: string | undefined): Target {
  return {
    name,
    named: true,
    address: raw.database,
    folder,
    storages: raw.storages ?? [raw.storage ?? []].flat(),
    class: raw.class ?? 'manual',
    compress: raw.compress ?? compress ?? 'zstd',
    facts: raw.facts ?? 'rows',
    protected: raw.protected ?? false,
    lockTimeoutMs: raw.lockTimeout === undefined ? DEFAULT_LOCK_TIMEOUT_MS : parseDuration(raw.lockTimeout),
    ...(raw.replica === undefined ? {} : { replica: raw.replica }),
    access: accessOf(raw, folder),
    dump: raw.dump ?? {},
    checks: raw.checks ?? [],
    migrations: migrationsOf(raw.migrations ?? {}),
  };
}

function migrationsOf({ folder, table, allow, backup, backupLimit }: MigrationsConfig): MigrationSettings {
  return {
    folder: folder ?? 'migrations',
    table: table ?? 'schema_migrations',
    allow: allow ?? [],
    backup: backup ?? 'auto',
    backupLimitBytes: backupLimit ?? 10_000_000_000,
  };
}

function accessOf({ via, binDir }: TargetConfig, folder: string): DatabaseAccess {
  return {
    ...(via === undefined
      ? {}
      : { via: typeof via === 'string' ? via.split(/\s+/).filter((word) => word !== '') : via }),
    ...(binDir === undefined ? {} : { binDir: resolve(folder, binDir) }),
  };
}

function unnamedTarget(address: string, name: string, folder: string, compress: string | undefined): Target {
  return {
    name: deriveTargetName(name),
    named: false,
    address,
    folder,
    storages: [],
    class: 'manual',
    compress: compress ?? 'zstd',
    facts: 'rows',
    protected: false,
    lockTimeoutMs: DEFAULT_LOCK_TIMEOUT_MS,
    access: {},
    dump: {},
    checks: [],
    migrations: migrationsOf({}),
  };
}

function defaultTargets(configured: readonly string[], env: Environment): readonly string[] {
  if (configured.length > 0) return configured;
  const address = addressIn((name) => variable(name, env));
  if (address !== undefined) return [address];
  throw new DbopsError('USAGE', 'no database was named', {
    hint: 'Name one (`dbops backup app.db`), set DATABASE_URL or PGDATABASE, or write a configuration with `dbops init`.',
  });
}

function retentionDays(env: Environment): number | undefined {
  const text = variable('RETENTION_DAYS', env);
  if (text === undefined) return undefined;
  if (/^[1-9]\d{0,4}$/.test(text)) return Number(text);
  throw new DbopsError('CONFIG_INVALID', `RETENTION_DAYS is ${JSON.stringify(text)}, not a number of days`, {
    hint: 'Set it to a whole number from 1 on, or unset it.',
  });
}
