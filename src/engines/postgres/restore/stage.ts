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
import { inspectTar } from '../archive/inspect-tar.ts';
import { findClients } from '../connection/clients.ts';
import { createConnection } from '../connection/connection.ts';
import { explained } from '../connection/failure.ts';
import { openSession, type Session } from '../connection/session.ts';
import { runChecks } from '../facts/checks.ts';
import { comparableOn } from '../facts/comparable.ts';
import { readFacts } from '../facts/facts.ts';
import { beginReading } from '../facts/reading.ts';
import { quoteIdentifier, readVersion } from '../facts/sql-text.ts';
import { openBench } from './bench.ts';
import { readContent, readTocOf, type OpenedDump } from './dump-content.ts';
import { refuseRowsAlone, schemasToMake, selectionInCopy } from './dumped-part.ts';
import { fillDatabase, type Filling } from './fill.ts';
import { restoreGlobals } from './globals.ts';
import { leftOutOfDatabase, rightsLeftOut } from './left-out.ts';
import {
  createStandIns,
  formOfDump,
  missingExtensions,
  missingRoles,
  refuseMissingExtensions,
  refuseOlderServer,
  rolesMentioned,
  rolesNeeded,
  standInWarning,
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
    refuseRowsAlone(dump, request.dumped);
    const server =
      destination === undefined
        ? await openBench(dump, request, host, stack)
        : await openServer(createConnection(destination, host), request.signal, stack);
    const warnings = await prepare(server, dump, request);
    const wanted = destination === undefined ? 'test' : nameIn(createConnection(destination, host));
    const database = stack.use(await createSideDatabase(server, wanted, formOfDump(dump, request.settings)));
    warnings.push(...(await makeSchemas(database, dump, server)));
    const filling = await fillDatabase(server, database, dump, request);
    warnings.push(...database.warnings, ...filling.warnings);
    return {
      examine: (examination) =>
        explained(
          'the restored copy cannot be examined',
          examine(database, examination, { ...filling, warnings }, request),
        ),
      promote: (promotion) => {
        if (destination === undefined) throw new Error('staged without a destination');
        const leftOut = dump.toc === undefined ? [] : leftOutOfDatabase(dump.toc, request.options?.acl === true);
        const connection = createConnection(destination, host);
        return explained(
          `${connection.label} cannot be replaced`,
          promote(server, database, connection, promotion, leftOut),
        );
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
  const { toc, content } = dump;
  const { options = {} } = request;
  refuseOlderServer(toc, server.major, server.connection.label);
  const warnings = options.globals === true ? await restoreGlobals(server, dump, request) : [];
  if (content.type === 'tar') await refuseCutTar(dump, request);
  if (toc === undefined) return warnings;
  const { query } = server.session;
  refuseMissingExtensions(
    await missingExtensions(toc, query),
    server.throwAway ? 'the test server' : server.connection.label,
  );
  if (!server.throwAway) warnings.push(...(await rightsLeftOut(toc, options, query)));
  const wanted = options.owner === true || options.acl === true ? rolesMentioned(toc) : [];
  const missing = await missingRoles([...new Set([...rolesNeeded(toc), ...wanted])], query);
  if (missing.length === 0) return warnings;
  if (server.throwAway) {
    await createStandIns(missing, query);
    return [...warnings, ...standInWarning(missing)];
  }
  throw new DbopsError('REFUSED', `${server.connection.label} lacks the roles ${missing.join(', ')}`, {
    hint: 'Nothing was changed. Create them there, or restore the globals of the backup first; without --owner and --acl only those of policies and user mappings are needed.',
  });
}

/** pg_restore looks for the rest of a tar that was cut off until somebody ends it. */
async function refuseCutTar({ parts, content }: OpenedDump, request: StageRequest): Promise<void> {
  if (content.type !== 'tar') return;
  const { problems } = await inspectTar(await parts.open(content.part.name, request));
  if (problems.length === 0) return;
  throw new DbopsError('DAMAGED', `${content.part.name} is damaged: ${problems.slice(0, 5).join('; ')}`, {
    hint: 'Copy it again from where it came from, or use another backup.',
  });
}

/** A dump of single tables does not hold the schemas that they stand in. */
async function makeSchemas({ connection }: SideDatabase, { toc }: OpenedDump, server: Server): Promise<string[]> {
  const schemas = toc === undefined ? [] : schemasToMake(toc);
  if (schemas.length === 0) return [];
  await using session = await openSession({ connection, psql: server.psql, signal: server.signal });
  for (const name of schemas) await session.query(`CREATE SCHEMA ${quoteIdentifier(name)}`);
  return [`schemas that the dump does not hold were made: ${schemas.join(', ')}`];
}

async function examine(
  { connection }: SideDatabase,
  { facts, checks }: ExamineRequest,
  { warnings, dangling }: Filling,
  { signal, dumped }: StageRequest,
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
    { level: facts, selection: selectionInCopy(dumped) },
  );
  const version = await readVersion(first.query);
  return {
    facts: found.facts,
    problems: [],
    warnings: [...warnings, ...found.warnings],
    checks: await runChecks(first.query, checks),
    comparable: (recorded) => comparableOn(recorded, found.facts, { version, dangling }),
  };
}
