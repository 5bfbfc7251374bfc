import type { StageRequest } from '../../../core/ports/engine.ts';
import { scratchOf } from '../../../core/scratch-place.ts';
import type { EngineHost } from '../../engine-driver.ts';
import { formatAddress } from '../connection/address.ts';
import { createConnection } from '../connection/connection.ts';
import { startSandbox } from '../sandbox/sandbox.ts';
import { findServerPrograms } from '../tools/programs.ts';
import type { OpenedDump } from './dump-content.ts';
import { formOfDump, majorOf } from './preflight.ts';
import { openServer, type Server } from './server.ts';

/** The server for a test restore: the one that was named, or a throw-away one of the installed programs. */
export async function openBench(
  dump: OpenedDump,
  request: StageRequest,
  host: EngineHost,
  stack: AsyncDisposableStack,
): Promise<Server> {
  const { bench, settings, signal } = request;
  if (bench?.server !== undefined) return openServer(createConnection(bench.server, host), signal, stack);
  const scratch = scratchOf(request);
  const programs = await findServerPrograms({
    path: host.environment['PATH'],
    binDir: bench?.binDir,
    atLeastMajor: majorOf(dump.toc?.header.dumpVersion) ?? 0,
  });
  const { encoding = 'UTF8', collate, locale } = formOfDump(dump, settings);
  const sandbox = stack.use(
    await startSandbox({
      programs,
      scratch,
      encoding,
      locale: collate ?? locale ?? 'C',
      temporaryFolder: host.temporaryFolder,
      signal,
    }),
  );
  const { PGHOST: socket = '', PGPORT: port = '', PGUSER: user = '' } = sandbox.env;
  const location = formatAddress({ host: socket, port, user, dbname: 'postgres' });
  // Nothing of the environment that leads elsewhere may lead away from it.
  const own = { ...host, environment: withoutLibpq(host.environment) };
  const address = { location, lockTimeoutMs: 0, access: bench?.binDir === undefined ? {} : { binDir: bench.binDir } };
  return openServer(createConnection(address, own), signal, stack, true);
}

function withoutLibpq(environment: EngineHost['environment']): EngineHost['environment'] {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith('PG')));
}
