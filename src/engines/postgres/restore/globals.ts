import { Readable } from 'node:stream';
import { DbopsError } from '../../../core/errors.ts';
import type { StageRequest } from '../../../core/ports/engine.ts';
import { collect } from '../../../streams/collect.ts';
import { readGlobalStatements, type GlobalStatement } from '../globals/global-statements.ts';
import { guardScript } from '../script/guard.ts';
import type { OpenedDump } from './dump-content.ts';
import { runRestore } from './pg-restore.ts';
import type { Server } from './server.ts';

const mostBytes = 64 * 2 ** 20;

/**
 * Restores the roles and tablespaces of a backup that a server does not have; those that exist stay as they are.
 * @throws DbopsError NOTHING_MATCHES when the backup has none
 */
export async function restoreGlobals(
  server: Server,
  { parts, content: { globals } }: OpenedDump,
  request: StageRequest,
): Promise<string[]> {
  if (globals === undefined) {
    throw new DbopsError('NOTHING_MATCHES', 'the backup has no globals', {
      hint: 'They are stored by `dbops backup --globals`. Leave --globals out, or use another backup.',
    });
  }
  const { signal } = request;
  const script = await collect(await parts.open(globals.name, { signal }), mostBytes, globals.name);
  const statements = readGlobalStatements(script);
  const there = await readPresent(server);
  const missing = statements.filter((statement) => !isThere(statement, there));
  await runRestore({
    connection: server.connection,
    program: server.psql,
    args: ['--no-psqlrc', '--quiet', '--set=ON_ERROR_STOP=on', '--output=/dev/null', '--file=-'],
    input: Readable.from(linesOf(missing), { objectMode: false }).pipe(
      guardScript({ allowMeta: false, allowConnect: false, allowServerObjects: true, allowCopyData: false }),
    ),
    signal,
    keepGoing: false,
    refusal: { code: 'SOURCE_REFUSED' },
    label: globals.name,
  });
  return describeLeft(statements, there);
}

interface Present {
  readonly role: ReadonlySet<string>;
  readonly tablespace: ReadonlySet<string>;
  readonly databases: ReadonlySet<string>;
}

async function readPresent({ session: { query } }: Server): Promise<Present> {
  const read = async (sql: string): Promise<Set<string>> =>
    new Set((await query(sql)).flatMap(({ name }) => (typeof name === 'string' ? [name] : [])));
  return {
    role: await read('SELECT rolname AS name FROM pg_catalog.pg_roles'),
    tablespace: await read('SELECT spcname AS name FROM pg_catalog.pg_tablespace'),
    databases: await read('SELECT datname AS name FROM pg_catalog.pg_database'),
  };
}

/** Also left out: what holds in a database that the server does not have. */
function isThere({ subject, name, database }: GlobalStatement, there: Present): boolean {
  if (subject === 'session') return false;
  return there[subject].has(name) || (database !== undefined && !there.databases.has(database));
}

function linesOf(statements: readonly GlobalStatement[]): Buffer[] {
  const newline = Buffer.from('\n');
  return statements.flatMap(({ text }) => [text, newline]);
}

function describeLeft(statements: readonly GlobalStatement[], there: Present): string[] {
  const left = (['role', 'tablespace'] as const).flatMap((subject) => {
    const names = statements.filter((each) => each.subject === subject && there[subject].has(each.name));
    return names.map(({ name }) => name);
  });
  const names = [...new Set(left)];
  return names.length === 0 ? [] : [`these existed and stayed as they are: ${names.join(', ')}`];
}
