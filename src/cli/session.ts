import { resolve } from 'node:path';
import { isSecret } from '../config/interpolate.ts';
import { findConfig, loadConfig } from '../config/load.ts';
import { createSettings, type Settings, type Target } from '../config/settings.ts';
import type { KeySources } from '../core/encryption.ts';
import { DbopsError } from '../core/errors.ts';
import type { LogLevel } from '../core/levels.ts';
import type { Keyring } from '../core/ports/keys.ts';
import type { Reporter } from '../core/ports/reporter.ts';
import type { Storage } from '../core/ports/storage.ts';
import type { StorageAddress } from '../core/storage-settings.ts';
import type { Ports } from '../operations/ports.ts';
import { createLogReporter, type EventLog } from '../report/log-reporter.ts';
import { wantsColours } from '../report/paint.ts';
import type { Redactor } from '../report/redact.ts';
import { createTextReporter } from '../report/text-reporter.ts';
import type { GlobalFlags } from './globals.ts';
import type { Host } from './host.ts';
import type { Output } from './output.ts';
import type { World } from './world.ts';

/** Everything one command run works with. */
export interface Session {
  readonly host: Host;
  readonly flags: GlobalFlags;
  readonly settings: Settings;
  readonly ports: Ports;
  readonly world: World;
  readonly signal: AbortSignal;
  openStorage(address: StorageAddress): Promise<Storage>;
  targetOf(word: string): Target;
  /** The keys in these places, each looked for once in a run. */
  keyringOf(sources: KeySources): Keyring;
  /** The same ports with these keys. */
  portsWith(keyring: Keyring): Ports;
  /** From now on this is not printed. */
  hide(secret: string): void;
}

/** What a command has to say in the end; nothing else goes to stdout. */
export interface CommandResult {
  /** Printed with --json; its members are a contract (docs/output.md). */
  readonly document: object;
  readonly text: string;
  /** Printed after the text, for places and commands that dbops made: no secret is looked for in them. */
  readonly exactLines?: readonly string[];
  readonly exitCode?: number;
  /** One line for stderr where the exit code is a failure's: stdout may go nowhere, as in a crontab. */
  readonly failure?: string;
}

export interface SessionOptions {
  readonly host: Host;
  readonly flags: GlobalFlags;
  readonly world: World;
  readonly signal: AbortSignal;
  readonly redactor: Redactor;
}

export function openSession({ host, flags, world, signal, redactor }: SessionOptions): Session & Disposable {
  for (const [name, value] of Object.entries(host.env)) {
    if (value !== undefined && isSecret(name, value)) redactor.add(value);
  }
  const path = flags.config === undefined ? findConfig(host.cwd) : resolve(host.cwd, flags.config);
  const loaded = path === undefined ? undefined : loadConfig(path, host.env);
  loaded?.secrets.forEach((secret) => redactor.add(secret));
  const settings = createSettings(loaded, host.env, host.cwd);
  const stderr: Output = { ...host.stderr, write: (text) => host.stderr.write(redactor.redact(text)) };
  const log = createLog(world, host, flags, stderr, redactor);
  const colours = wantsColours(stderr.terminal, host.env['NO_COLOR'], flags.color);
  const quiet = flags.quiet === true || flags.json === true;
  const text = createTextReporter({ ...stderr, colours }, world.clock, quiet);
  const reporter = tee([text, createLogReporter(log)]);
  const openStorage = (address: StorageAddress): Promise<Storage> => {
    // In a configuration they may stand in clear, or come from files that variables name.
    const { secretAccessKey, sessionToken, proxy } = address.settings;
    for (const secret of [secretAccessKey, sessionToken, proxy]) if (secret !== undefined) redactor.add(secret);
    return world.openStorage(address, host, (call) => log.debug(call, 'storage'));
  };
  const ports = world.createPorts({ reporter, host });
  const keyrings = new Map<string, Keyring>();
  return {
    host,
    flags,
    settings,
    world,
    signal,
    ports,
    keyringOf: (sources) => {
      const name = JSON.stringify(sources);
      const keyring = keyrings.get(name) ?? world.createKeyring(sources, host, redactor.add);
      keyrings.set(name, keyring);
      return keyring;
    },
    portsWith: (keyring) => ({ ...ports, codecs: world.createCodecs(host, keyring) }),
    openStorage,
    targetOf: (word) => settings.targetOf(word, (address, folder) => nameOf(world, address, folder)),
    hide: redactor.add,
    [Symbol.dispose]: () => text[Symbol.dispose](),
  };
}

function nameOf(world: World, address: string, folder: string): string {
  const driver = world.engineForAddress(address);
  return driver.nameOf(driver.locate(address, folder).location);
}

function createLog(world: World, host: Host, flags: GlobalFlags, stderr: Output, redactor: Redactor): EventLog {
  return world.openLog({
    level: flags.logLevel ?? defaultLevel(host, flags),
    file: flags.logFile === undefined ? undefined : resolve(host.cwd, flags.logFile),
    fallback: stderr.write,
    redact: (line) => `${redactor.redactJson(JSON.parse(line))}\n`,
  });
}

// Without a file the lines for people are enough, unless somebody asks for more.
function defaultLevel({ env }: Host, { logFile }: GlobalFlags): LogLevel {
  if (env['DEBUG'] === '1') return 'debug';
  return logFile === undefined ? 'silent' : 'info';
}

function tee(reporters: readonly Reporter[]): Reporter {
  return {
    report: (event) => {
      for (const reporter of reporters) reporter.report(event);
    },
  };
}

/** Parses `k=v` words. */
export function parseTags(words: readonly string[] | undefined): Record<string, string> {
  const pairs = (words ?? []).map((word): [string, string] => {
    const at = word.indexOf('=');
    if (at < 1) throw new DbopsError('USAGE', `${JSON.stringify(word)} is no tag`, { hint: 'Write --tag name=value.' });
    return [word.slice(0, at), word.slice(at + 1)];
  });
  return Object.fromEntries(pairs);
}
