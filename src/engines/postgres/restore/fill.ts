import { mkdir } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { basename, join } from 'node:path';
import { DbopsError } from '../../../core/errors.ts';
import type { PartInfo, PartSource, RestoreOptions, StageRequest } from '../../../core/ports/engine.ts';
import { scratchOf } from '../../../core/scratch-place.ts';
import type { Toc } from '../archive/toc.ts';
import { findClients } from '../connection/clients.ts';
import { explainFailure } from '../connection/failure.ts';
import { SqlError } from '../connection/query.ts';
import { openSession } from '../connection/session.ts';
import type { OpenedDump } from './dump-content.ts';
import { isPartial } from './dumped-part.ts';
import { failedStatements, isDangling } from './failed-statements.ts';
import { openCounted, writePart } from './part-files.ts';
import { runRestore, type Refusal, type RestoreProgramRequest } from './pg-restore.ts';
import { majorOf } from './preflight.ts';
import { runScript } from './run-script.ts';
import { createScriptNeeds } from './script-needs.ts';
import { findServerGaps } from './server-gaps.ts';
import type { Server } from './server.ts';
import type { SideDatabase } from './side-database.ts';

// More gain little on the disks that people have, and take connections away from others.
const mostJobs = 4;

/** How an empty database was filled. */
export interface Filling {
  readonly warnings: readonly string[];
  /** Definitions are missing that refer to what the dump does not hold. */
  readonly dangling: boolean;
}

/** Fills an empty database from a dump, and lets the server learn about its tables. */
export async function fillDatabase(
  server: Server,
  database: SideDatabase,
  dump: OpenedDump,
  request: StageRequest,
): Promise<Filling> {
  const { options = {}, signal, dumped } = request;
  const label = dump.content.type === 'directory' ? dump.content.toc.name : dump.content.part.name;
  const lenient = server.throwAway && isPartial(dumped) && dump.content.type !== 'script';
  const run: Run = (part) =>
    runRestore({
      ...part,
      connection: database.connection,
      signal,
      keepGoing: lenient || options.keepGoing === true,
      refusal: refusalOf(server, dumped),
      label,
    });
  const said =
    dump.content.type === 'script'
      ? await runPlain({ server, database, parts: dump.parts }, dump.content.part, request, run)
      : await runArchive(
          server,
          dump,
          { ...request, options: { ...options, keepGoing: lenient || options.keepGoing === true } },
          run,
        );
  if (options.skipAnalyze !== true && options.schemaOnly !== true) await analyze(database, request);
  return lenient && options.keepGoing !== true ? withoutDangling(said, label) : { warnings: said, dangling: false };
}

/** On a server of no other use a statement can only fail because of the dump, unless that is a part of more. */
function refusalOf({ throwAway }: Server, dumped: StageRequest['dumped']): Refusal {
  if (isPartial(dumped)) return { code: 'SOURCE_REFUSED', hint: partHint };
  return { code: throwAway ? 'DAMAGED' : 'SOURCE_REFUSED' };
}

const partHint =
  'The dump holds a part of a database, and needs what that part refers to. Prove it with --level structure, or dump what it needs too.';

/** @throws DbopsError SOURCE_REFUSED when rows or tables are missing */
function withoutDangling(said: readonly string[], label: string): Filling {
  const failed = failedStatements(said);
  const lost = failed.find((one) => !isDangling(one));
  if (lost !== undefined) {
    throw new DbopsError('SOURCE_REFUSED', `${label} cannot be restored alone: ${lost.error}: ${lost.statement}`, {
      hint: partHint,
    });
  }
  if (failed.length === 0) return { warnings: said, dangling: false };
  const shown = failed.slice(0, 5).map(({ statement, error }) => `${statement} (${error})`);
  const more = failed.length > shown.length ? `, and ${failed.length - shown.length} more` : '';
  const text = `left out, because the dump does not hold what it needs: ${shown.join(', ')}${more}`;
  return { warnings: [text], dangling: true };
}

/** Runs a program on the database that is to be filled. */
export type Run = (part: Pick<RestoreProgramRequest, 'program' | 'args' | 'input'>) => Promise<string[]>;

async function runArchive(server: Server, dump: OpenedDump, request: StageRequest, run: Run): Promise<string[]> {
  const { options = {}, signal } = request;
  const { toc } = dump;
  const major = Math.max(server.major, majorOf(toc?.header.dumpVersion) ?? 0);
  const { paths } = await findClients(server.connection, ['pg_restore'], major, signal);
  const remote = server.connection.via.length > 0;
  const gaps = await findServerGaps(toc, server);
  // Without a disk to put it on, an archive is read once, from its beginning to its end.
  const isStream = request.scratch === undefined && options.jobs === undefined;
  const jobs =
    remote || isStream || checksDomains(toc) ? 1 : (options.jobs ?? Math.min(mostJobs, availableParallelism()));
  const source = await openArchive(dump, request, jobs);
  const said = await run({
    ...source,
    program: paths.pg_restore,
    args: [...switches(options), ...gaps.args, ...source.args],
  });
  return [...gaps.warnings, ...said];
}

/** What pg_restore reads: its input, or a file or folder that its arguments name. */
async function openArchive(
  { content, parts }: OpenedDump,
  request: StageRequest,
  jobs: number,
): Promise<Pick<RestoreProgramRequest, 'args' | 'input'>> {
  const parallel = jobs === 1 ? [] : [`--jobs=${jobs}`];
  if (content.type === 'directory') {
    const folder = await writeFolder(parts, content.files, request);
    return { args: [...parallel, '--format=directory', folder], input: undefined };
  }
  if (content.type === 'archive' && jobs === 1) {
    return { args: [], input: await openCounted(parts, content.part, request) };
  }
  // Several jobs jump about in the file, and so does one in a tar.
  const file = join(scratchOf(request), content.type === 'tar' ? 'db.tar' : 'db.dump');
  await writePart(parts, content.part, file, request);
  return { args: [...(content.type === 'tar' ? [] : parallel), file], input: undefined };
}

/**
 * A constraint of a domain that was never validated comes after all rows, some of which may break it. Several jobs do not
 * keep to that: in the archive the constraint depends on its domain alone.
 */
function checksDomains(toc: Toc | undefined): boolean {
  return (
    toc?.entries.some(
      ({ desc, definition }) => desc.endsWith('CHECK CONSTRAINT') && /^\s*ALTER DOMAIN /.test(definition),
    ) === true
  );
}

function switches({ owner, acl, schemaOnly, keepGoing }: RestoreOptions): string[] {
  return [
    ...(owner === true ? [] : ['--no-owner']),
    ...(acl === true ? [] : ['--no-privileges']),
    ...(schemaOnly === true ? ['--schema-only'] : []),
    ...(keepGoing === true ? [] : ['--exit-on-error']),
  ];
}

async function runPlain(
  { server, database, parts }: { readonly server: Server; readonly database: SideDatabase; readonly parts: PartSource },
  part: PartInfo,
  request: StageRequest,
  run: Run,
): Promise<string[]> {
  const needs = createScriptNeeds(server, database, request.dumped?.tables !== undefined);
  const said = await runScript({ server, parts, preparation: needs }, part, request, run);
  return [...said.filter((line) => !ofTestServer.test(line)), ...needs.warnings()];
}

// Publications say so on a server that keeps no more in its log than it needs itself.
const ofTestServer =
  /"?wal_level"? is insufficient to publish|Set "?wal_level"? to "logical" before creating subscriptions/;

async function writeFolder(parts: PartSource, files: readonly PartInfo[], request: StageRequest): Promise<string> {
  const folder = join(scratchOf(request), 'db');
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
