import { DbopsError } from '../../../core/errors.ts';
import type { DatabaseAddress, Dump, DumpRequest, Probe, Source } from '../../../core/ports/engine.ts';
import type { CallOptions } from '../../../core/ports/storage.ts';
import type { EngineHost } from '../../engine-driver.ts';
import { formatAddress, type Parameters } from '../connection/address.ts';
import { findClients } from '../connection/clients.ts';
import { createConnection, type Connection } from '../connection/connection.ts';
import { openSession, type Session } from '../connection/session.ts';
import { readEnvironment } from '../facts/environment.ts';
import { inReading } from '../facts/reading.ts';
import { readVersion } from '../facts/sql-text.ts';
import { clientAdvice } from '../tools/client-advice.ts';
import type { ProgramVersion } from '../tools/program-version.ts';
import { explainBlocked } from './blockers.ts';
import { dumpSnapshot } from './dump.ts';
import type { OpenDatabase } from './open-database.ts';
import { refusePooler } from './pooler.ts';

// Tables are counted by all of them at once.
const sessionCount = 2;

/** Connects, and finds the programs that the server's version needs. */
export async function open(address: DatabaseAddress, host: EngineHost, { signal }: CallOptions): Promise<Source> {
  const connection = createConnection(address, host);
  const stack = new AsyncDisposableStack();
  try {
    const { paths } = await findClients(connection, ['psql'], 0, signal);
    const sessions: Session[] = [];
    for (let count = 0; count < sessionCount; count++) {
      sessions.push(stack.use(await openSession({ connection, psql: paths.psql, signal })));
    }
    const [first] = sessions;
    if (first === undefined) throw new Error('no session');
    await refusePooler(sessions, connection);
    const major = await readMajor(first, connection);
    const environment = await inReading(first, connection.lockTimeoutMs, () => readEnvironment(first.query));
    const clients = await findClients(connection, ['pg_dump', 'pg_dumpall'], major, signal);
    const database: OpenDatabase = { connection, sessions, clients, environment, signal };
    return {
      probe: probeOf(database),
      dump: (request: DumpRequest): Promise<Dump> => dump(database, request),
      [Symbol.asyncDispose]: () => stack.disposeAsync(),
    };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

async function dump(database: OpenDatabase, request: DumpRequest): Promise<Dump> {
  try {
    return await dumpSnapshot(database, request);
  } catch (error) {
    throw await explainBlocked(error, database);
  }
}

function probeOf({ connection, clients, environment }: OpenDatabase): Probe {
  const advice = clientAdvice(clients.version);
  const { values } = environment;
  return {
    database: formatAddress({ ...placeOf(connection), dbname: String(values['database'] ?? '') }),
    serverVersion: String(values['serverVersion'] ?? ''),
    bytes: Number(values['databaseBytes'] ?? 0),
    scratchBytes: 0,
    settings: values,
    warnings: [
      ...environment.warnings,
      ...(advice === undefined ? [] : [advice]),
      ...newerClient(clients.version, Math.trunc(Number(values['serverVersionNum'] ?? 0) / 10_000)),
    ],
  };
}

/** Where it is; not who asks, nor how: both change, and it is the same database. */
function placeOf({ parameters }: Connection): Parameters {
  const kept = new Set(['service', 'host', 'hostaddr', 'port']);
  const isDefault = (keyword: string, value: string): boolean => keyword === 'port' && value === '5432';
  return Object.fromEntries(
    Object.entries(parameters).filter(([keyword, value]) => kept.has(keyword) && !isDefault(keyword, value)),
  );
}

/** What a newer pg_dump writes, an older server does not understand all of: not even the one that it comes from. */
function newerClient({ major, text }: ProgramVersion, serverMajor: number): string[] {
  if (major <= serverMajor) return [];
  return [
    `pg_dump ${text} is newer than the server: the backup can be restored into PostgreSQL ${major} and newer only, not into this server; install the client programs of version ${serverMajor}`,
  ];
}

// What the facts read stands in the catalogs since then.
const oldestMajor = 13;

async function readMajor({ query }: Session, { label }: Connection): Promise<number> {
  const version = await readVersion(query);
  const major = Math.trunc(version / 10_000);
  if (major >= oldestMajor) return major;
  throw new DbopsError('SOURCE_REFUSED', `${label} is a server of PostgreSQL ${major}, older than ${oldestMajor}`, {
    hint: 'Dump it with its own pg_dump, and move it to a version that still gets fixes.',
  });
}
