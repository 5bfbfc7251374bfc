import { availableParallelism } from 'node:os';
import { DbopsError } from '../../../core/errors.ts';
import type {
  DatabaseAddress,
  ExamineRequest,
  Examination,
  PartSource,
  StageRequest,
  Staging,
} from '../../../core/ports/engine.ts';
import type { EngineHost } from '../../engine-driver.ts';
import { findClients } from '../connection/clients.ts';
import { createConnection } from '../connection/connection.ts';
import { openSession, type Session } from '../connection/session.ts';
import { runChecks } from '../facts/checks.ts';
import { comparableOn, readFacts } from '../facts/facts.ts';
import { beginReading } from '../facts/reading.ts';
import { readVersion } from '../facts/sql-text.ts';
import { openBench } from './bench.ts';
import { readContent, readTocOf, type OpenedDump } from './dump-content.ts';
import { fillDatabase } from './fill.ts';
import { restoreGlobals } from './globals.ts';
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
import { nameIn, openServer, type Server } from './server.ts';
import { createSideDatabase, type SideDatabase } from './side-database.ts';

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

/** Finds out before anything is made whether the server can take the dump at all. */
async function prepare(server: Server, dump: OpenedDump, request: StageRequest): Promise<string[]> {
  const { toc } = dump;
  const { options = {} } = request;
  refuseOlderServer(toc, server.major, server.connection.label);
  const warnings = options.globals === true ? await restoreGlobals(server, dump, request) : [];
  if (toc === undefined) return warnings;
  const { query } = server.session;
  refuseMissingExtensions(
    await missingExtensions(toc, query),
    server.throwAway ? 'the test server' : server.connection.label,
  );
  const wanted = options.owner === true || options.acl === true ? rolesMentioned(toc) : [];
  const missing = await missingRoles([...new Set([...rolesNeeded(toc), ...wanted])], query);
  if (missing.length === 0) return warnings;
  if (server.throwAway) {
    await createStandIns(missing, query);
    return [...warnings, `roles that the test server does not have were stood in for: ${missing.join(', ')}`];
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
