import { readdir, stat } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import type { DumpOptions } from '../../../core/dump-options.ts';
import { DbopsError, hasCode } from '../../../core/errors.ts';
import type { Dump, DumpPart, DumpRequest, Examination, Inspection } from '../../../core/ports/engine.ts';
import { scratchOf } from '../../../core/scratch-place.ts';
import { isNativeProgram } from '../../../platform/native-program.ts';
import { watchArchive } from '../archive/watch.ts';
import { databaseArguments, type Connection } from '../connection/connection.ts';
import { SqlError, type Query } from '../connection/query.ts';
import { readFacts } from '../facts/facts.ts';
import type { Selection } from '../facts/selection.ts';
import { keepSteady, readSequences, withSequences, type SequenceValues } from '../facts/sequences.ts';
import { findUnreadable, refuseIncompleteSight } from '../facts/unreadable.ts';
import { canReadPasswords, globalsArguments } from '../globals/globals-arguments.ts';
import { watchScript } from '../script/ends.ts';
import { explainBlocked } from './blockers.ts';
import { levels, planDump, type DumpPlan } from './dump-arguments.ts';
import type { OpenDatabase } from './open-database.ts';
import { createDumpProgram, type DumpProgram } from './pg-dump.ts';
import { takeSnapshot } from './snapshot.ts';

/** Dumps one snapshot, and reads the facts of that same snapshot beside it. */
export async function dumpSnapshot(database: OpenDatabase, request: DumpRequest): Promise<Dump> {
  const { sessions, clients, connection } = database;
  const plan = planDump(request.options, request.compression, clients.version.major);
  if (plan.format === 'directory') refuseElsewhere(database);
  const { name } = await takeSnapshot(sessions, connection.lockTimeoutMs);
  const [first] = sessions;
  if (first === undefined) throw new Error('no session');
  const selection = selectionOf(request.options);
  refuseIncompleteSight(await findUnreadable(first.query, selection));
  const folder = plan.format === 'directory' ? join(scratchOf(request), 'db') : '';
  const program = await createProgram(database, plan, name, folder);
  const queries = sessions.map(({ query }) => query);
  // Sequences belong to no snapshot: pg_dump sees what they are when it comes to them. Those that stand still from
  // before it starts until after it has ended were the same to it.
  const before = await readSequences(queries, selection);
  const facts = readFacts(queries, { level: request.facts, selection });
  // Whoever never asks (because storing failed first) must not be ended by this one's failure.
  facts.catch(() => undefined);
  const unsaid = plan.format === 'plain' ? await settingsLeftOut(first.query) : [];
  const globals = request.options.globals === true ? await createGlobals(database, request.options) : undefined;
  const own = plan.format === 'directory' ? await runIntoFolder(program, plan, folder) : [streamed(program, plan)];
  const parts = globals === undefined ? own : [...own, globalsPart(globals)];
  return {
    tools: { [clients.paths.pg_dump.split('/').at(-1) ?? 'pg_dump']: clients.version.text },
    parts,
    inspection: await inspectionOf(database, plan),
    finish: async (): Promise<Examination> => {
      const found = await facts.catch(async (error: unknown) => {
        throw await explainBlocked(error, database);
      });
      const steady = keepSteady(before, await readAgain(queries, selection));
      database.signal.throwIfAborted();
      const warnings = [...unsaid, ...program.warnings, ...(globals?.warnings ?? []), ...found.warnings];
      return { facts: withSequences(found.facts, steady), problems: [], warnings, checks: [] };
    },
    [Symbol.asyncDispose]: async () => {
      await program[Symbol.asyncDispose]();
      await globals?.[Symbol.asyncDispose]();
    },
  };
}

/** A plain script that fits any database says nothing of the one it came from. */
async function settingsLeftOut(query: Query): Promise<string[]> {
  const [row] = await query(
    'SELECT count(*)::text AS settings FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase WHERE d.datname = current_database()',
  );
  if (row?.['settings'] === '0') return [];
  return ['a plain dump holds no settings of the database (ALTER DATABASE … SET); those in format custom tell them'];
}

/** A sequence that is gone by now says nothing of the others: none is known to have stood still then. */
async function readAgain(queries: readonly Query[], selection: Selection): Promise<SequenceValues> {
  try {
    return await readSequences(queries, selection);
  } catch (error) {
    if (error instanceof SqlError) return {};
    throw error;
  }
}

/**
 * How a native pg_dump ended says whether all of it was written. What else stands in its place, here or elsewhere, may
 * have lost the end. Where pg_dump compresses itself, all of the archive can be followed on the way at no cost.
 */
async function inspectionOf({ connection, clients }: OpenDatabase, plan: DumpPlan): Promise<Inspection> {
  const direct = connection.via.length === 0 && (await isNativeProgram(clients.paths.pg_dump));
  return direct && !(plan.format === 'custom' && plan.compressed) ? 'contents' : 'whole';
}

/** Roles and tablespaces belong to the server, and no snapshot of a database holds them. */
async function createGlobals(database: OpenDatabase, options: DumpOptions): Promise<DumpProgram> {
  const { connection, clients, sessions, signal } = database;
  const [first] = sessions;
  if (first === undefined) throw new Error('no session');
  const passwords = options.rolePasswords === true && (await canReadPasswords(first.query));
  return createDumpProgram({
    connection,
    program: clients.paths.pg_dumpall,
    args: [...globalsArguments({ passwords }), ...databaseArguments(connection)],
    signal,
    warnings:
      options.rolePasswords === true && !passwords
        ? ['the role may not read the hashes of passwords: the globals are without them']
        : [],
  });
}

function globalsPart(program: DumpProgram): DumpPart {
  return { name: 'globals.sql', source: { type: 'program', program }, watch: watchScript };
}

/** pg_dump writes its strings as the session reads them, and in the old way a backslash may mean two things. */
async function strictly({ connection, sessions, environment }: OpenDatabase): Promise<Connection> {
  const [row] =
    (await sessions[0]?.query(
      "SELECT reset_val AS setting FROM pg_catalog.pg_settings WHERE name = 'standard_conforming_strings'",
    )) ?? [];
  if (row?.['setting'] !== 'off') return connection;
  return connection.to(String(environment.values['database']), 'standard_conforming_strings=on');
}

async function createProgram(
  database: OpenDatabase,
  plan: DumpPlan,
  snapshot: string,
  folder: string,
): Promise<DumpProgram> {
  const { clients, signal } = database;
  const connection = await strictly(database);
  return createDumpProgram({
    connection,
    program: clients.paths.pg_dump,
    args: [
      ...plan.args,
      // Else it is that of the client, which may be set for the role.
      `--encoding=${String(database.environment.values['encoding'] ?? 'UTF8')}`,
      `--snapshot=${snapshot}`,
      `--lock-wait-timeout=${connection.lockTimeoutMs}`,
      ...(plan.format === 'directory' ? [`--file=${folder}`] : []),
      ...databaseArguments(connection),
    ],
    signal,
    explain: (error) => explainBlocked(error, database),
  });
}

function streamed(program: DumpProgram, { format, compressed }: DumpPlan): DumpPart {
  const name = format === 'plain' ? 'db.sql' : 'db.dump';
  const watch = format === 'custom' ? watchArchive : watchScript;
  return { name, source: { type: 'program', program }, compressed, levels, watch };
}

function wroteNothing(): DbopsError {
  return new DbopsError('TOOL_FAILED', 'pg_dump ended well and wrote nothing', {
    hint: 'Nothing was published. Repair or remove the pg_dump that is found first, or name its folder with binDir.',
  });
}

/** Every file of the directory format is a part of its own, so that one table can be fetched alone later. */
async function runIntoFolder(program: DumpProgram, { compressed }: DumpPlan, folder: string): Promise<DumpPart[]> {
  await program.run().catch((error: unknown) => {
    throw hasCode(error, 'NO_SPACE') ? scratchFull(error, folder) : error;
  });
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((error: unknown) => {
    throw hasCode(error, 'ENOENT') ? wroteNothing() : error;
  });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Promise.all(
    files.toSorted().map(async (path): Promise<DumpPart> => {
      const { size } = await stat(path);
      // The table of contents is read first by everybody, and small.
      const whole = compressed || path.endsWith('toc.dat');
      return {
        name: `db/${relative(folder, path)}`,
        source: { type: 'file', path, bytes: size },
        compressed: whole,
        levels,
      };
    }),
  );
}

/** The server may be short of space too, and says so by other words. */
function scratchFull(error: Error, folder: string): Error {
  if (!/could not (write|open|create|close) .*(output|directory)/.test(error.message)) return error;
  return new DbopsError('NO_SPACE', `no space left in ${dirname(folder)} for the directory format: ${error.message}`, {
    hint: 'Nothing was published. Free space there, or name a place with more room with --scratch-dir.',
    cause: error,
  });
}

function refuseElsewhere({ connection: { via } }: OpenDatabase): void {
  if (via.length === 0) return;
  throw new DbopsError('USAGE', `the directory format cannot be dumped through ${via.join(' ')}`, {
    hint: 'It is written as files, which would stay there. Use --format custom.',
  });
}

function selectionOf({ blobs, ...options }: DumpOptions): Selection {
  const { tables, excludeTables, excludeTableData, schemas, excludeSchemas, schemaOnly, dataOnly } = options;
  return {
    ...(tables === undefined ? {} : { tables }),
    ...(excludeTables === undefined ? {} : { excludeTables }),
    ...(excludeTableData === undefined ? {} : { excludeTableData }),
    ...(schemas === undefined ? {} : { schemas }),
    ...(excludeSchemas === undefined ? {} : { excludeSchemas }),
    ...(schemaOnly === undefined ? {} : { schemaOnly }),
    ...(dataOnly === undefined ? {} : { dataOnly }),
    ...(blobs === false ? { noBlobs: true } : {}),
  };
}
