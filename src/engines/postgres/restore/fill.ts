import { mkdir } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { basename, join } from 'node:path';
import type { ErrorCode } from '../../../core/errors.ts';
import type { PartInfo, PartSource, RestoreOptions, StageRequest } from '../../../core/ports/engine.ts';
import { findClients } from '../connection/clients.ts';
import { explainFailure } from '../connection/failure.ts';
import { SqlError } from '../connection/query.ts';
import { openSession } from '../connection/session.ts';
import type { OpenedDump } from './dump-content.ts';
import { openCounted, writePart } from './part-files.ts';
import { runRestore, type RestoreProgramRequest } from './pg-restore.ts';
import { majorOf } from './preflight.ts';
import { runScript } from './run-script.ts';
import type { Server } from './server.ts';
import type { SideDatabase } from './side-database.ts';

// More gain little on the disks that people have, and take connections away from others.
const mostJobs = 4;

/** Fills an empty database from a dump, and lets the server learn about its tables. Gives warnings. */
export async function fillDatabase(
  server: Server,
  database: SideDatabase,
  dump: OpenedDump,
  request: StageRequest,
): Promise<string[]> {
  const { options = {}, signal } = request;
  const run = (part: Pick<RestoreProgramRequest, 'program' | 'args' | 'input'>): Promise<string[]> =>
    runRestore({
      ...part,
      connection: database.connection,
      signal,
      keepGoing: options.keepGoing === true,
      refusal: refusalOf(server),
      label: dump.content.type === 'directory' ? dump.content.toc.name : dump.content.part.name,
    });
  const warnings =
    dump.content.type === 'script'
      ? await runScript(server, dump.parts, dump.content.part, request, run)
      : await runArchive(server, dump, request, run);
  if (options.skipAnalyze !== true && options.schemaOnly !== true) await analyze(database, request);
  return warnings;
}

/** On a server of no other use a statement can only fail because of the dump. */
function refusalOf({ throwAway }: Server): ErrorCode {
  return throwAway ? 'DAMAGED' : 'SOURCE_REFUSED';
}

/** Runs a program on the database that is to be filled. */
export type Run = (part: Pick<RestoreProgramRequest, 'program' | 'args' | 'input'>) => Promise<string[]>;

async function runArchive(server: Server, dump: OpenedDump, request: StageRequest, run: Run): Promise<string[]> {
  const { options = {}, signal } = request;
  const { content, parts, toc } = dump;
  const major = Math.max(server.major, majorOf(toc?.header.dumpVersion) ?? 0);
  const { paths } = await findClients(server.connection, ['pg_restore'], major, signal);
  const program = paths.pg_restore;
  const remote = server.connection.via.length > 0;
  const jobs = remote ? 1 : (options.jobs ?? Math.min(mostJobs, availableParallelism()));
  const args = [...switches(options), ...(jobs === 1 ? [] : [`--jobs=${jobs}`])];
  if (content.type === 'directory') {
    const folder = await writeFolder(parts, content.files, request);
    return run({ program, args: [...args, '--format=directory', folder], input: undefined });
  }
  if (content.type === 'archive' && jobs === 1) {
    return run({ program, args, input: await openCounted(parts, content.part, request) });
  }
  // Several jobs jump about in the file, and so does one in a tar.
  const file = join(request.scratch, content.type === 'tar' ? 'db.tar' : 'db.dump');
  await writePart(parts, content.part, file, request);
  return run({ program, args: [...(content.type === 'tar' ? switches(options) : args), file], input: undefined });
}

function switches({ owner, acl, schemaOnly, keepGoing }: RestoreOptions): string[] {
  return [
    ...(owner === true ? [] : ['--no-owner']),
    ...(acl === true ? [] : ['--no-privileges']),
    ...(schemaOnly === true ? ['--schema-only'] : []),
    ...(keepGoing === true ? [] : ['--exit-on-error']),
  ];
}

async function writeFolder(parts: PartSource, files: readonly PartInfo[], request: StageRequest): Promise<string> {
  const folder = join(request.scratch, 'db');
  await mkdir(folder, { mode: 0o700 });
  // The names were checked where the manifest was read; only the last segment counts here.
  for (const part of files) await writePart(parts, part, join(folder, basename(part.decodedName)), request);
  return folder;
}

/** A restored database has no statistics: until it gets them, queries may take a thousand times as long. */
async function analyze({ connection }: SideDatabase, { signal }: StageRequest): Promise<void> {
  const { paths } = await findClients(connection, ['psql'], 0, signal);
  await using session = await openSession({ connection, psql: paths.psql, signal });
  await session.query('ANALYZE').catch((error: unknown) => {
    throw error instanceof SqlError ? explainFailure('ANALYZE failed', error.message) : error;
  });
}
