import { DbopsError, messageOf } from '../../../core/errors.ts';
import { systemRandom } from '../../../platform/clock.ts';
import { livenessOf, ownIdentity, parseIdentity, formatIdentity } from '../../../platform/process-identity.ts';
import type { Connection } from '../connection/connection.ts';
import { explainFailure } from '../connection/failure.ts';
import { SqlError, type Query } from '../connection/query.ts';
import { openSession } from '../connection/session.ts';
import { quoteIdentifier, quoteLiteral } from '../facts/sql-text.ts';
import type { Server } from './server.ts';

/** How a database is to be made: in the words of CREATE DATABASE, as far as they are known. */
export interface DatabaseForm {
  readonly encoding?: string;
  readonly provider?: string;
  readonly collate?: string;
  readonly ctype?: string;
  readonly locale?: string;
}

export interface SideDatabase extends AsyncDisposable {
  readonly name: string;
  readonly connection: Connection;
  readonly warnings: readonly string[];
  /** From now on it stays. */
  release(): void;
}

type Admin = Pick<Server, 'session' | 'connection' | 'major' | 'psql' | 'signal' | 'throwAway'>;

const commentPrefix = 'dbops: restore under way, ';
// A name has 63 bytes; longer ones are cut by the server, and then they are not found again.
const nameBytes = 63;

/** A name made of another and a suffix, which is never what is cut off. */
export function nameWith(name: string, suffix: string): string {
  const letters = Array.from(name);
  while (Buffer.byteLength(letters.join('') + suffix) > nameBytes) letters.pop();
  return letters.join('') + suffix;
}

/**
 * Makes an empty database beside the one that is to be restored, and removes those that killed runs left. Disposing drops
 * it unless it was released.
 */
export async function createSideDatabase(admin: Admin, wanted: string, form: DatabaseForm): Promise<SideDatabase> {
  const { query } = admin.session;
  await dropAbandoned(admin);
  const name = nameWith(wanted, `_dbops_${Buffer.from(systemRandom(4)).toString('hex')}`);
  // From its making on, which may succeed on the server where nobody hears of it any more.
  let mayExist = false;
  const discard = async (): Promise<void> => {
    if (mayExist) await dropAfterAll(admin, name);
  };
  try {
    // Held while this session lives: what has no comment yet is somebody's all the same.
    await query(`SELECT pg_catalog.pg_advisory_lock(${lockOf(name)})`);
    mayExist = true;
    const warnings = await create(query, { name, place: await placeOf(query, wanted) }, form);
    const comment = quoteLiteral(commentPrefix + formatIdentity(ownIdentity()));
    await query(`COMMENT ON DATABASE ${quoteIdentifier(name)} IS ${comment}`);
    return {
      name,
      connection: admin.connection.to(name, await quietSetting(admin)),
      warnings,
      release: () => {
        mayExist = false;
      },
      [Symbol.asyncDispose]: discard,
    };
  } catch (error) {
    // What was refused is not there.
    if (!(error instanceof DbopsError && error.code === 'SOURCE_REFUSED')) await discard();
    throw error;
  }
}

// Within what is left of a container's grace.
const dropWithinMs = 5_000;

/**
 * Drops it by a session of its own when the one that made it has ended: aborting ends that one first. Where the server is
 * out of reach, the next restore drops it; that is no reason to hide why this one failed.
 */
async function dropAfterAll(admin: Admin, name: string): Promise<void> {
  const { session, connection, psql, signal, throwAway } = admin;
  if (throwAway) return;
  try {
    if (!signal.aborted) return await drop(session.query, name);
  } catch (error) {
    if (error instanceof DbopsError && error.cause instanceof SqlError) throw error;
  }
  try {
    const within = AbortSignal.timeout(dropWithinMs);
    await using other = await openSession({ connection, psql, signal: within });
    // Its making may still be under way where nobody waits for it any more.
    await other.query(`SELECT pg_catalog.pg_advisory_lock(${lockOf(name)})`);
    await drop(other.query, name);
  } catch {
    // Its comment says whose it was, and that run is dead then.
  }
}

/**
 * From PostgreSQL 17 on an event trigger may fire when somebody connects, and a restored one would change the copy that
 * is being looked at. Who may not switch them off may not have restored one.
 */
async function quietSetting({ session, major }: Pick<Server, 'session' | 'major'>): Promise<string | undefined> {
  if (major < 17) return undefined;
  const [row] = await session.query(
    "SELECT pg_catalog.has_parameter_privilege('event_triggers', 'SET')::text AS allowed",
  );
  return row?.['allowed'] === 'true' ? 'event_triggers=off' : undefined;
}

/** The disk of the database whose place it is to take. */
async function placeOf(query: Query, name: string): Promise<string> {
  const [row] = await query(`
    SELECT t.spcname AS tablespace FROM pg_catalog.pg_database d JOIN pg_catalog.pg_tablespace t ON t.oid = d.dattablespace
    WHERE d.datname = ${quoteLiteral(name)} AND t.spcname <> 'pg_default'`);
  const tablespace = row?.['tablespace'];
  return typeof tablespace === 'string' ? ` TABLESPACE ${quoteIdentifier(tablespace)}` : '';
}

async function create(
  query: Query,
  { name, place }: { readonly name: string; readonly place: string },
  form: DatabaseForm,
): Promise<string[]> {
  const plain = `CREATE DATABASE ${quoteIdentifier(name)} TEMPLATE template0${place}`;
  try {
    await query(plain + formClauses(form));
    return [];
  } catch (error) {
    if (!(error instanceof SqlError)) throw error;
    // Invalid parameter value, wrong object type, undefined object: a locale or provider that this server does not have.
    const lacksLocale = ['22023', '42809', '42704', '0A000', 'XX000'].includes(error.state);
    if (!lacksLocale) throw refused(name, error);
    const { encoding } = form;
    try {
      await query(plain + formClauses({ ...(encoding === undefined ? {} : { encoding }), locale: 'C' }));
    } catch (again) {
      throw again instanceof SqlError ? refused(name, error) : again;
    }
    return [`the server has no such locale as the original database (${error.message}): text sorts as in locale C`];
  }
}

function formClauses({ encoding, provider, collate, ctype, locale }: DatabaseForm): string {
  const clause = (word: string, value: string | undefined): string =>
    value === undefined ? '' : ` ${word} = ${quoteLiteral(value)}`;
  return [
    clause('ENCODING', encoding),
    // A word, not a literal; checked where it was read.
    provider === undefined ? '' : ` LOCALE_PROVIDER = ${provider}`,
    locale !== undefined && provider === undefined
      ? `${clause('LC_COLLATE', locale)}${clause('LC_CTYPE', locale)}`
      : '',
    clause('LC_COLLATE', collate),
    clause('LC_CTYPE', ctype),
    provider === 'icu' ? clause('ICU_LOCALE', locale) : provider === undefined ? '' : clause('LOCALE', locale),
  ].join('');
}

function refused(name: string, error: SqlError): DbopsError {
  return explainFailure(`the database ${name} cannot be made`, error.message);
}

async function drop(query: Query, name: string): Promise<void> {
  await query(`DROP DATABASE IF EXISTS ${quoteIdentifier(name)} WITH (FORCE)`).catch((error: unknown) => {
    throw new DbopsError('SOURCE_REFUSED', `the database ${name} stays behind: ${messageOf(error)}`, {
      hint: `Drop it by hand: DROP DATABASE ${quoteIdentifier(name)}.`,
      cause: error,
    });
  });
}

/**
 * Only those whose run is known to be dead: it may be on another machine. One that has no comment yet is empty, and its
 * run would hold the lock of its name. What may not be dropped is no reason against a restore.
 */
async function dropAbandoned(admin: Admin): Promise<void> {
  const { query } = admin.session;
  const rows = await query(`
    SELECT datname AS name, pg_catalog.shobj_description(oid, 'pg_database') AS comment FROM pg_catalog.pg_database
    WHERE datname ~ '_dbops_[0-9a-f]{8}$'`);
  for (const { name, comment } of rows) {
    if (name === null || name === undefined) continue;
    const isAbandoned =
      comment === null || comment === undefined ? await isUnclaimed(admin, name) : isOfDeadRun(comment);
    if (isAbandoned) await drop(query, name).catch(() => undefined);
  }
}

function isOfDeadRun(comment: string): boolean {
  if (!comment.startsWith(commentPrefix)) return false;
  const owner = parseIdentity(comment.slice(commentPrefix.length));
  return owner !== undefined && livenessOf(owner) === 'dead';
}

/** A run was killed between making it and saying whose it is. */
async function isUnclaimed({ session, connection, psql, signal }: Admin, name: string): Promise<boolean> {
  const lock = lockOf(name);
  const [row] = await session.query(`SELECT pg_catalog.pg_try_advisory_lock(${lock})::text AS free`);
  if (row?.['free'] !== 'true') return false;
  try {
    await using inside = await openSession({ connection: connection.to(name), psql, signal });
    // Ids from here on are given to what people make (FirstNormalObjectId).
    const [found] = await inside.query(
      `SELECT (pg_catalog.count(*) = 0)::text AS empty FROM (${made}) AS made WHERE oid >= 16384`,
    );
    return found?.['empty'] === 'true';
  } catch {
    return false;
  } finally {
    await session.query(`SELECT pg_catalog.pg_advisory_unlock(${lock})`);
  }
}

const made = ['pg_class', 'pg_proc', 'pg_type', 'pg_namespace', 'pg_extension', 'pg_largeobject_metadata']
  .map((catalog) => `SELECT oid FROM pg_catalog.${catalog}`)
  .join(' UNION ALL ');

// Two numbers: one for dbops, and the random part of the name.
function lockOf(name: string): string {
  return `1684172656, ${Number.parseInt(name.slice(-8), 16) | 0}`;
}
