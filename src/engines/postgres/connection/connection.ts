import type { DatabaseAddress } from '../../../core/ports/engine.ts';
import type { EngineHost } from '../../engine-driver.ts';
import { connectionString, formatAddress, parseAddress, type Parameters } from './address.ts';

/** A way to one database, for every program of PostgreSQL that is to go it. */
export interface Connection {
  readonly parameters: Parameters;
  /** For people and records. */
  readonly label: string;
  readonly via: readonly string[];
  readonly binDir: string | undefined;
  readonly lockTimeoutMs: number;
  /** Where programs are looked for. */
  readonly path: string | undefined;
  /** The same server, another database; `setting` (`name=value`) holds for the sessions there beside those asked for. */
  to(database: string, setting?: string): Connection;
  /** What starts a program on this way; `variables` are added to its environment. */
  command(program: string, args: readonly string[], variables?: Readonly<Record<string, string>>): Command;
}

export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What it must be told first on its input, before its own. */
  readonly preface: string;
}

export function createConnection(address: DatabaseAddress, host: EngineHost): Connection {
  const { parameters, password } = parseAddress(address.location);
  const secret = address.password ?? password;
  const { via = [], binDir } = address.access ?? {};
  const { lockTimeoutMs } = address;
  const environment = host.environment;
  const direct = clientEnvironment(environment, secret);
  const along = (own: Parameters, setting?: string): Connection => ({
    parameters: setting === undefined ? own : withSetting(own, environment, setting),
    label: formatAddress(own),
    via,
    binDir,
    lockTimeoutMs,
    path: environment['PATH'],
    to: (dbname, more) => along({ ...own, dbname }, more),
    command: (program, args, variables = {}) => {
      const [file, ...words] = via;
      if (file === undefined) return { file: program, args, env: { ...direct, ...variables }, preface: '' };
      const inside = [...insideWords(secret, variables), program, ...args];
      return { file, args: [...words, ...inside], env: environment, preface: prefaceOf(secret) };
    },
  });
  return along(via.length > 0 ? parameters : withVariables(parameters, environment));
}

/** libpq takes `options` of the address in the place of its variable, not beside it. */
function withSetting(own: Parameters, environment: EngineHost['environment'], setting: string): Parameters {
  const asked = own['options'] ?? environment['PGOPTIONS'] ?? '';
  return { ...own, options: `${asked} -c ${setting}`.trim() };
}

/** `--dbname` with everything but the password, which no list of arguments may hold. */
export function databaseArguments({ parameters }: Connection): string[] {
  // A service says it for itself.
  const patience = parameters['service'] === undefined ? keepalives : {};
  return [`--dbname=${connectionString({ ...patience, ...parameters })}`, '--no-password'];
}

// A network that goes silent in the middle is noticed after two minutes, not after the system's two hours.
const keepalives = { keepalives_idle: '60', keepalives_interval: '15', keepalives_count: '4' };

const settings = { LC_ALL: 'C', PGAPPNAME: 'dbops' };
// Where nobody said how long to wait for a server that does not answer.
const defaults = { PGCONNECT_TIMEOUT: '30' };

/** Only what libpq reads, and what finds its files: no NODE_OPTIONS or LD_PRELOAD of somebody else's, and no rc files. */
function clientEnvironment(environment: EngineHost['environment'], password: string | undefined): Command['env'] {
  const kept = Object.entries(environment).filter(([name]) =>
    /^(PG(?!CLIENTENCODING$)[A-Z]+|PATH|HOME|USER|LOGNAME|TMPDIR|KRB5.*)$/.test(name),
  );
  return {
    ...defaults,
    ...Object.fromEntries(kept),
    ...settings,
    ...(password === undefined ? {} : { PGPASSWORD: password }),
  };
}

// What libpq would take from its variables, said in the address, where people can see it.
const variables = { host: 'PGHOST', hostaddr: 'PGHOSTADDR', port: 'PGPORT', dbname: 'PGDATABASE', user: 'PGUSER' };

function withVariables(parameters: Parameters, environment: EngineHost['environment']): Parameters {
  if (parameters['service'] !== undefined || environment['PGSERVICE'] !== undefined) return parameters;
  const found = Object.entries(variables).flatMap(([keyword, variable]) => {
    const value = environment[variable];
    return value === undefined || value === '' ? [] : [[keyword, value] as const];
  });
  return { ...Object.fromEntries(found), ...parameters };
}

/**
 * Words that run a program elsewhere with the settings it needs. The password goes there by its input: the shell reads
 * the first line and leaves the rest to the program.
 */
function insideWords(password: string | undefined, extra: Readonly<Record<string, string>>): string[] {
  const assignments = Object.entries({ ...defaults, ...settings, ...extra }).map(([name, value]) => `${name}=${value}`);
  if (password === undefined) return ['env', ...assignments];
  return ['sh', '-c', 'IFS= read -r PGPASSWORD && export PGPASSWORD && exec "$@"', 'sh', 'env', ...assignments];
}

function prefaceOf(password: string | undefined): string {
  return password === undefined ? '' : `${password}\n`;
}
