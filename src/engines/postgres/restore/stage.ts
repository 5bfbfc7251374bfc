import { availableParallelism } from 'node:os';
import { DbopsError, messageOf } from '../../../core/errors.ts';
import type {
  DatabaseAddress,
  ExamineRequest,
  Examination,
  PartSource,
  StageRequest,
  Staging,
} from '../../../core/ports/engine.ts';
import type { EngineHost } from '../../engine-driver.ts';
import type { Toc } from '../archive/toc.ts';
import { findClients } from '../connection/clients.ts';
import { createConnection, type Connection } from '../connection/connection.ts';
import { openSession, type Session } from '../connection/session.ts';
import { runChecks } from '../facts/checks.ts';
import { comparableOn, readFacts } from '../facts/facts.ts';
import { beginReading } from '../facts/reading.ts';
import { readVersion } from '../facts/sql-text.ts';
import { openBench } from './bench.ts';
import { readContent, readTocOf, type DumpContent } from './dump-content.ts';
import { fillDatabase } from './fill.ts';
import {
  createStandIns,
  formOf,
  missingExtensions,
  missingRoles,
  refuseMissingExtensions,
  refuseOlderServer,
  rolesMentioned,
  rolesNeeded,
} from './preflight.ts';
import { promote } from './promote.ts';
import { createSideDatabase, openAdmin, type SideDatabase } from './side-database.ts';

/** A server on which a database can be made, and what is known of it. */
export interface Server {
  readonly session: Session;
  readonly connection: Connection;
  readonly major: number;
  /** Path or name of psql. */
  readonly psql: string;
  readonly signal: AbortSignal;
  /** True for one that nobody else uses: roles may be made up there. */
  readonly throwAway: boolean;
}

/** A backup that was opened, and what it says of itself. */
export interface OpenedDump {
  readonly parts: PartSource;
  readonly content: DumpContent;
  readonly toc: Toc | undefined;
}

/** Restores into an empty database beside the destination, or on a server of no other use. */
export async function stage(
  parts: PartSource,
  destination: DatabaseAddress | undefined,
  request: StageRequest,
  host: EngineHost,
): Promise<Staging> {
  const stack = new AsyncDisposableStack();
  try {
    const content = await readContent(parts, request);
    const dump: OpenedDump = { parts, content, toc: await readTocOf(parts, content, request) };
    const server =
      destination === undefined
        ? await openBench(dump, request, host, stack)
        : await openServer(createConnection(destination, host), request.signal, stack);
    const warnings = await prepare(server, dump, request);
    const wanted = destination === undefined ? 'test' : nameIn(createConnection(destination, host));
    const database = stack.use(await createSideDatabase(server, wanted, formOf(dump.toc)));
    warnings.push(...database.warnings, ...(await fillDatabase(server, database, dump, request)));
    return {
      examine: (examination) => examine(database, examination, warnings, request.signal),
      promote: (promotion) => {
        if (destination === undefined) throw new Error('staged without a destination');
        return promote(server, database, createConnection(destination, host), promotion);
      },
      [Symbol.asyncDispose]: () => stack.disposeAsync(),
    };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

export async function openServer(
  connection: Connection,
  signal: AbortSignal,
  stack: AsyncDisposableStack,
  throwAway = false,
): Promise<Server> {
  const { paths } = await findClients(connection, ['psql'], 0, signal);
  const admin = await openAdmin(connection, paths.psql, signal);
  stack.use(admin.session);
  const major = Math.trunc((await readVersion(admin.session.query)) / 10_000);
  return { ...admin, major, psql: paths.psql, signal, throwAway };
}

/** @throws DbopsError USAGE */
export function nameIn({ parameters, label }: Connection): string {
  const { dbname, user } = parameters;
  const name = dbname ?? user;
  if (name !== undefined) return name;
  throw new DbopsError('USAGE', `${label} names no database`, { hint: 'Write postgresql://user@host/name.' });
}

/** Finds out before anything is made whether the server can take the dump at all. */
async function prepare(server: Server, { toc }: OpenedDump, { options = {} }: StageRequest): Promise<string[]> {
  refuseOlderServer(toc, server.major, server.connection.label);
  if (toc === undefined) return [];
  const { query } = server.session;
  refuseMissingExtensions(
    await missingExtensions(toc, query),
    server.throwAway ? 'the test server' : server.connection.label,
  );
  const wanted = options.owner === true || options.acl === true ? rolesMentioned(toc) : [];
  const missing = await missingRoles([...new Set([...rolesNeeded(toc), ...wanted])], query);
  if (missing.length === 0) return [];
  if (server.throwAway) {
    await createStandIns(missing, query);
    return [`roles that the test server does not have were stood in for: ${missing.join(', ')}`];
  }
  throw new DbopsError('REFUSED', `${server.connection.label} lacks the roles ${missing.join(', ')}`, {
    hint: 'Nothing was changed. Create them there, or restore the globals of the backup first; without --owner and --acl only roles of policies are needed.',
  });
}

async function examine(
  { connection }: SideDatabase,
  { facts, checks }: ExamineRequest,
  warnings: readonly string[],
  signal: AbortSignal,
): Promise<Examination> {
  const { paths } = await findClients(connection, ['psql'], 0, signal);
  await using stack = new AsyncDisposableStack();
  const sessions: Session[] = [];
  for (let count = 0; count < Math.min(2, availableParallelism()); count++) {
    sessions.push(stack.use(await openSession({ connection, psql: paths.psql, signal })));
  }
  const [first] = sessions;
  if (first === undefined) throw new Error('no session');
  for (const session of sessions) await beginReading(session, connection.lockTimeoutMs);
  const found = await readFacts(
    sessions.map(({ query }) => query),
    { level: facts },
  );
  const version = await readVersion(first.query);
  return {
    facts: found.facts,
    problems: [],
    warnings: [...warnings, ...found.warnings],
    checks: await runChecks(first.query, checks),
    comparable: (recorded) => comparableOn(recorded, version),
  };
}
