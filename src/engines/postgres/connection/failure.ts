import { DbopsError, type ErrorCode } from '../../../core/errors.ts';
import { SqlError } from './query.ts';
import { withoutRowData } from './row-data.ts';

interface Explanation {
  readonly pattern: RegExp;
  readonly hint: string;
  readonly code?: ErrorCode;
}

// The words of libpq and of the server, in English: the programs run in the C locale. A server that speaks another
// language says the same with its own words, which are shown, and gets the general hint.
const explanations: readonly Explanation[] = [
  {
    pattern: /password authentication failed|no password supplied|authentication failed for user/,
    hint: 'Set PGPASSWORD, or put a line for this host and user into ~/.pgpass (mode 0600), or correct the password.',
  },
  {
    pattern: /definition of service "[^]*" not found|service file "[^]*" not found/,
    hint: 'Check the name, and the file: ~/.pg_service.conf, or what PGSERVICEFILE names.',
  },
  {
    pattern: /could not translate host name|Name or service not known/,
    hint: 'Check the host in the address, and that this machine can look names up.',
  },
  {
    pattern:
      /connect(ion)? to server.*(Connection refused|No such file or directory|No route to host|timeout expired|Network is unreachable)/,
    hint: 'Check that the server runs and listens there: pg_isready with the same host and port.',
  },
  {
    pattern: /(^|; |FATAL: +)database "[^]*" does not exist/,
    hint: 'Check the name: psql --list shows the databases of the server.',
  },
  {
    pattern: /(^|; |FATAL: +)role "[^]*" does not exist/,
    hint: 'Check the user in the address, or create the role.',
  },
  {
    pattern: /no pg_hba\.conf entry|pg_hba\.conf rejects/,
    hint: 'Allow this user, database and host in the pg_hba.conf of the server; look at sslmode too.',
  },
  {
    pattern: /too many (clients|connections)|remaining connection slots/,
    hint: 'Free connections, then run this again.',
  },
  {
    pattern: /the database system is (starting up|shutting down|in recovery mode|not yet accepting)/,
    hint: 'Wait until the server is up, then run this again.',
  },
  // Before TLS is looked at: a connection that breaks is told by the TLS library too.
  {
    pattern:
      /server closed the connection|terminating connection|connection to server was lost|SSL SYSCALL|SSL connection has been closed|could not (receive data from|send data to) server/,
    hint: 'The server ended or the network broke. Nothing was published; run this again when it is back.',
  },
  {
    // Not in what is said of a statement.
    pattern: /^(?![^]*ERROR:)[^]*(SSL|certificate)/,
    hint: 'Check sslmode and sslrootcert in the address. dbops never lowers sslmode by itself.',
  },
  {
    pattern: /cannot execute .* in a read-only transaction/,
    hint: 'The server is a standby, or read-only by its settings: restore into its primary, or into another server.',
  },
  {
    pattern: /permission denied for database/,
    hint: 'Let the role in: GRANT CONNECT ON DATABASE name TO role.',
  },
  {
    pattern: /permission denied to create database/,
    hint: 'A restore is made in a new database, which takes its place: ALTER ROLE role CREATEDB, or use another role.',
  },
  {
    pattern: /must be (owner|member|superuser|able to SET ROLE)/,
    hint: 'Use a superuser, or the role that owns the database and what is in it.',
  },
  {
    pattern: /permission denied/,
    hint: 'Give the role what it lacks: GRANT pg_read_all_data TO role reads everything (PostgreSQL 14 and newer).',
  },
  {
    pattern: /canceling statement due to lock timeout|could not obtain lock/,
    hint: 'Wait for the migration or command that holds the lock, or give it more time with --lock-timeout.',
  },
  {
    pattern: /No space left on device|could not extend file/,
    hint: 'Free space on the disk that is full.',
    code: 'NO_SPACE',
  },
  {
    pattern: /conflict with recovery/,
    hint: 'The standby stopped a long query. Raise max_standby_streaming_delay or set hot_standby_feedback there.',
  },
  {
    // The server makes the text of a row in one piece of memory, of less than 1 GB.
    pattern: /invalid memory alloc request size|Cannot enlarge string buffer|string buffer exceeds maximum/,
    hint: 'A value is too long to be written as text (bytea of more than half a gigabyte). Leave its table out with --exclude-table-data and copy it with COPY … (FORMAT binary), or keep such values as large objects.',
  },
  { pattern: /out of shared memory|max_locks_per_transaction/, hint: 'Raise max_locks_per_transaction on the server.' },
  {
    pattern: /was killed by SIGKILL/,
    hint: 'The system may be short of memory: see its kernel log, then run this again.',
  },
];

/**
 * What a program or a session of PostgreSQL said when it failed, as an error with a way on.
 * @param hint for what has no better one
 */
export function explainFailure(
  what: string,
  said: string,
  otherwise: ErrorCode = 'SOURCE_REFUSED',
  hint = "See the server's log for more.",
): DbopsError {
  const lines = linesOf(said);
  const words = lines.join('; ').slice(0, 2_000);
  // Not the statement: a table may be called `ssl`.
  const judged = lines.slice(0, endOf(lines)).filter((line) => !line.startsWith('LINE '));
  const found = explanations.find(({ pattern }) => pattern.test(judged.join('; ')));
  // What is known to come from the surroundings says nothing of a backup that is being tested.
  const code = found === undefined ? otherwise : (found.code ?? (otherwise === 'DAMAGED' ? 'TOOL_FAILED' : otherwise));
  return new DbopsError(code, words === '' ? what : `${what}: ${words}`, {
    hint: found?.hint ?? hint,
  });
}

/** Turns a refusal of the server that nobody expected into an error for people. */
export async function explained<T>(what: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw error instanceof SqlError ? explainFailure(what, error.message) : error;
  }
}

function endOf(lines: readonly string[]): number {
  const statement = lines.findIndex((line) => line.startsWith('Command was:'));
  return statement < 0 ? lines.length : statement;
}

// Queries of pg_dump itself are pages long, and nobody's mistake.
const ownQuery = /^pg_dump(?:all)?: detail: Query was: [^]*?(?=\npg_dump(?:all)?:|(?![^]))/gm;

const noise =
  /^(|\^|connection to server was lost|Is the server running.*|This probably means the server .*|before or while .*)$/;

/** Without rows, the programs' names, prompts to look at the manual, and what is said twice. */
function linesOf(said: string): string[] {
  const lines = withoutRowData(said)
    .replace(ownQuery, '')
    .split('\n')
    .map((line) =>
      line
        .replace(/^(psql|pg_dump|pg_restore|pg_dumpall|initdb):\s*/, '')
        .replace(/^(error|fatal):\s*/i, '')
        .trim(),
    )
    .filter((line) => !noise.test(line));
  return [...new Set(lines)];
}
