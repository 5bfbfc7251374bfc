import { DbopsError, messageOf } from '../../../core/errors.ts';
import { systemRandom } from '../../../platform/clock.ts';
import { livenessOf, ownIdentity, parseIdentity, formatIdentity } from '../../../platform/process-identity.ts';
import type { Connection } from '../connection/connection.ts';
import { explainFailure } from '../connection/failure.ts';
import { SqlError, type Query } from '../connection/query.ts';
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
export async function createSideDatabase(
  admin: Pick<Server, 'session' | 'connection' | 'major'>,
  wanted: string,
  form: DatabaseForm,
): Promise<SideDatabase> {
  const { query } = admin.session;
  await dropAbandoned(query);
  const name = nameWith(wanted, `_dbops_${Buffer.from(systemRandom(4)).toString('hex')}`);
  const warnings = await create(query, name, form);
  let kept = false;
  try {
    await query(
      `COMMENT ON DATABASE ${quoteIdentifier(name)} IS ${quoteLiteral(commentPrefix + formatIdentity(ownIdentity()))}`,
    );
  } catch (error) {
    await drop(query, name);
    throw error;
  }
  return {
    name,
    connection: admin.connection.to(name, await quietSetting(admin)),
    warnings,
    release: () => {
      kept = true;
    },
    [Symbol.asyncDispose]: async () => {
      if (!kept) await drop(query, name);
    },
  };
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

async function create(query: Query, name: string, form: DatabaseForm): Promise<string[]> {
  const plain = `CREATE DATABASE ${quoteIdentifier(name)} TEMPLATE template0`;
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

/** Only those whose run is known to be dead: it may be on another machine. */
async function dropAbandoned(query: Query): Promise<void> {
  const rows = await query(`
    SELECT datname AS name, pg_catalog.shobj_description(oid, 'pg_database') AS comment FROM pg_catalog.pg_database
    WHERE datname ~ '_dbops_[0-9a-f]{8}$'`);
  for (const { name, comment } of rows) {
    if (name === null || name === undefined || comment?.startsWith(commentPrefix) !== true) continue;
    const owner = parseIdentity(comment.slice(commentPrefix.length));
    if (owner !== undefined && livenessOf(owner) === 'dead') await drop(query, name);
  }
}
