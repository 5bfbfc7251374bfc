import { DbopsError, messageOf } from '../../../core/errors.ts';
import type { PromoteRequest, Promotion } from '../../../core/ports/engine.ts';
import { shellLine } from '../../../core/shell-line.ts';
import { formatAddress } from '../connection/address.ts';
import type { Connection } from '../connection/connection.ts';
import { explainFailure } from '../connection/failure.ts';
import { SqlError, type Query } from '../connection/query.ts';
import { openSession } from '../connection/session.ts';
import { quoteIdentifier, quoteLiteral } from '../facts/sql-text.ts';
import { nameIn, type Server } from './server.ts';
import { nameWith, type SideDatabase } from './side-database.ts';
import { usersOf } from './users.ts';

/** What the database that is replaced is called afterwards. */
export function keptName(name: string, stamp: string): string {
  return nameWith(name, `_pre_restore_${stamp.toLowerCase()}`);
}

/**
 * Gives the restored database the name of the destination, and another one to what was there: both in one transaction, so
 * that there is always exactly one database of that name. `ofNewDatabase` are warnings for where there was none.
 */
export async function promote(
  server: Server,
  database: SideDatabase,
  destination: Connection,
  { allowOpen, dropOld = false, stamp }: PromoteRequest,
  ofNewDatabase: readonly string[],
): Promise<Promotion> {
  const { query } = server.session;
  const name = nameIn(destination);
  const exists = await hasDatabase(query, name);
  const kept = exists ? await freeName(query, name, stamp) : undefined;
  if (kept !== undefined) {
    await refuseUsers(query, name, allowOpen);
    await inherit(query, name, database.name).catch((error: unknown) => {
      throw error instanceof SqlError ? irreplaceable(destination, error) : error;
    });
  }
  await swap(server, destination, { name, staged: database.name, kept }, allowOpen);
  database.release();
  if (kept === undefined) return { kept: undefined, undo: undefined, drop: undefined, warnings: ofNewDatabase };
  if (dropOld) return dropKept(query, kept);
  return {
    kept,
    undo: undoLine(server.connection, name, kept, stamp),
    drop: psqlLine(server.connection, [`DROP DATABASE ${quoteIdentifier(kept)}`]),
    warnings: [],
  };
}

/** Another restore of the same second may have kept its own. */
async function freeName(query: Query, name: string, stamp: string): Promise<string> {
  for (let count = 1; ; count++) {
    const wanted = keptName(name, count === 1 ? stamp : `${stamp}_${count}`);
    if (!(await hasDatabase(query, wanted))) return wanted;
  }
}

async function hasDatabase(query: Query, name: string): Promise<boolean> {
  const rows = await query(`SELECT 1 AS there FROM pg_catalog.pg_database WHERE datname = ${quoteLiteral(name)}`);
  return rows.length > 0;
}

async function refuseUsers(query: Query, name: string, allowOpen: boolean): Promise<void> {
  const users = await usersOf(query, name);
  if (users.length === 0 || allowOpen) return;
  throw new DbopsError('REFUSED', `${name} is in use by ${users.join(', ')}`, {
    hint: 'Stop the application and run this again, or add --allow-open: its connections are ended for the swap.',
  });
}

/** What belongs to the name and not to the content: owner, grants, settings and limit. */
async function inherit(query: Query, from: string, to: string): Promise<void> {
  const [row] = await query(`
    SELECT pg_catalog.pg_get_userbyid(datdba) AS owner, datconnlimit::text AS "limit"
    FROM pg_catalog.pg_database WHERE datname = ${quoteLiteral(from)}`);
  const target = quoteIdentifier(to);
  const { owner, limit } = row ?? {};
  await query(`ALTER DATABASE ${target} CONNECTION LIMIT ${Number(limit ?? -1)}`);
  for (const statement of await settingsOf(query, from, target)) await query(statement);
  for (const statement of await grantsOf(query, from, target)) await query(statement);
  if (typeof owner === 'string') await query(`ALTER DATABASE ${target} OWNER TO ${quoteIdentifier(owner)}`);
}

async function settingsOf(query: Query, from: string, target: string): Promise<string[]> {
  const rows = await query(`
    SELECT r.rolname AS role, pg_catalog.split_part(c.setting, '=', 1) AS name,
      pg_catalog.substr(c.setting, pg_catalog.strpos(c.setting, '=') + 1) AS value
    FROM pg_catalog.pg_db_role_setting s
    JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase
    LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.setrole
    CROSS JOIN LATERAL pg_catalog.unnest(s.setconfig) AS c (setting)
    WHERE d.datname = ${quoteLiteral(from)}`);
  return rows.map(({ role, name, value }) => {
    const subject = role === null ? `DATABASE ${target}` : `ROLE ${quoteIdentifier(role ?? '')} IN DATABASE ${target}`;
    const parameter = (name ?? '').split('.').map(quoteIdentifier).join('.');
    return `ALTER ${subject} SET ${parameter} TO ${listValue(name ?? '', value ?? '')}`;
  });
}

// Settings whose value is a list of names are stored as they are written, with their own quotes.
const lists = new Set(
  [
    [
      'search_path',
      'session_preload_libraries',
      'local_preload_libraries',
      'temp_tablespaces',
      'unix_socket_directories',
    ],
  ].flat(),
);

function listValue(name: string, value: string): string {
  return lists.has(name) && value !== '' ? value : quoteLiteral(value);
}

async function grantsOf(query: Query, from: string, target: string): Promise<string[]> {
  const rows = await query(`
    SELECT CASE a.grantee WHEN 0 THEN NULL ELSE pg_catalog.pg_get_userbyid(a.grantee) END AS grantee,
      a.privilege_type AS privilege, a.is_grantable::text AS grantable
    FROM pg_catalog.pg_database d CROSS JOIN LATERAL pg_catalog.aclexplode(d.datacl) AS a
    WHERE d.datname = ${quoteLiteral(from)} AND a.grantee <> d.datdba`);
  const [owned] = await query(
    `SELECT (datacl IS NULL)::text AS plain FROM pg_catalog.pg_database WHERE datname = ${quoteLiteral(from)}`,
  );
  if (owned?.['plain'] === 'true') return [];
  return [
    `REVOKE ALL ON DATABASE ${target} FROM PUBLIC`,
    ...rows.map(({ grantee, privilege, grantable }) => {
      const to = grantee === null || grantee === undefined ? 'PUBLIC' : quoteIdentifier(grantee);
      return `GRANT ${(privilege ?? '').replace(/[^A-Z ]/g, '')} ON DATABASE ${target} TO ${to}${grantable === 'true' ? ' WITH GRANT OPTION' : ''}`;
    }),
  ];
}

interface Swap {
  readonly name: string;
  readonly staged: string;
  readonly kept: string | undefined;
}

/**
 * Renames in one transaction, which nothing can leave half done. From the first renaming on the server lets nobody into
 * the old database and waits five seconds for those inside to leave.
 */
async function swap(
  server: Server,
  destination: Connection,
  { name, staged, kept }: Swap,
  allowOpen: boolean,
): Promise<void> {
  const { query } = server.session;
  const statements = [
    ...(kept === undefined ? [] : [`ALTER DATABASE ${quoteIdentifier(name)} RENAME TO ${quoteIdentifier(kept)}`]),
    // The comment marks an unfinished restore, which others remove.
    `COMMENT ON DATABASE ${quoteIdentifier(staged)} IS ${await commentOf(query, name)}`,
    `ALTER DATABASE ${quoteIdentifier(staged)} RENAME TO ${quoteIdentifier(name)}`,
  ];
  for (let tries = 1; ; tries++) {
    const ending = allowOpen && kept !== undefined ? endUsers(server, name) : Promise.resolve();
    const [renamed, ended] = await Promise.allSettled([inTransaction(query, statements), ending]);
    if (renamed.status === 'fulfilled') return;
    const error: unknown = renamed.reason;
    if (!(error instanceof SqlError)) throw error;
    // Somebody came in between the ending of the others and the renaming.
    if (error.state === OBJECT_IN_USE && allowOpen && ended.status === 'fulfilled' && tries < mostTries) continue;
    throw irreplaceable(destination, error);
  }
}

function irreplaceable({ label }: Connection, { message }: SqlError): DbopsError {
  return explainFailure(`${label} cannot be replaced, and is as it was`, message);
}

const OBJECT_IN_USE = '55006';
const mostTries = 5;

async function endUsers({ connection, psql, signal }: Server, name: string): Promise<void> {
  await using session = await openSession({ connection, psql, signal });
  await session.query(
    `SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity WHERE datname = ${quoteLiteral(name)}`,
  );
}

async function inTransaction(query: Query, statements: readonly string[]): Promise<void> {
  await query('BEGIN');
  try {
    for (const statement of statements) await query(statement);
    await query('COMMIT');
  } catch (error) {
    await query('ROLLBACK');
    throw error;
  }
}

/** As a literal or NULL. */
async function commentOf(query: Query, name: string): Promise<string> {
  const [row] = await query(
    `SELECT pg_catalog.shobj_description(oid, 'pg_database') AS comment FROM pg_catalog.pg_database WHERE datname = ${quoteLiteral(name)}`,
  );
  const comment = row?.['comment'];
  return typeof comment === 'string' ? quoteLiteral(comment) : 'NULL';
}

/** One line for a shell that gives both databases their former names back. */
function undoLine(connection: Connection, name: string, kept: string, stamp: string): string {
  const aside = nameWith(name, `_undone_${stamp.toLowerCase()}`);
  const statements = [
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = ${quoteLiteral(name)}`,
    `ALTER DATABASE ${quoteIdentifier(name)} RENAME TO ${quoteIdentifier(aside)}`,
    `ALTER DATABASE ${quoteIdentifier(kept)} RENAME TO ${quoteIdentifier(name)}`,
  ];
  return psqlLine(connection, statements);
}

function psqlLine({ parameters, via }: Connection, statements: readonly string[]): string {
  // One statement is its own transaction, and some are not allowed in any other.
  const together = statements.length === 1 ? [] : ['-1'];
  const words = [...via, 'psql', '-X', ...together, '-v', 'ON_ERROR_STOP=1', '-d', formatAddress(parameters)];
  return shellLine([...words, ...statements.flatMap((statement) => ['-c', statement])]);
}

/** The new database is in place by now: what fails here is told, and nothing more. */
async function dropKept(query: Query, kept: string): Promise<Promotion> {
  const warnings: string[] = [];
  await query(`DROP DATABASE ${quoteIdentifier(kept)}`).catch((error: unknown) => {
    warnings.push(`the old database stays as ${kept}: ${messageOf(error)}`);
  });
  return { kept: undefined, undo: undefined, drop: undefined, warnings };
}
