import { DbopsError, type ErrorCode } from '../../../core/errors.ts';

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
    pattern: /could not translate host name|Name or service not known/,
    hint: 'Check the host in the address, and that this machine can look names up.',
  },
  {
    pattern: /Connection refused|No such file or directory|No route to host|timeout expired|Network is unreachable/,
    hint: 'Check that the server runs and listens there: pg_isready with the same host and port.',
  },
  { pattern: /database "[^]*" does not exist/, hint: 'Check the name: psql --list shows the databases of the server.' },
  { pattern: /role "[^]*" does not exist/, hint: 'Check the user in the address, or create the role.' },
  {
    pattern: /no pg_hba\.conf entry|pg_hba\.conf rejects/,
    hint: 'Allow this user, database and host in the pg_hba.conf of the server; look at sslmode too.',
  },
  {
    pattern:
      /server closed the connection|terminating connection|connection to server was lost|SSL SYSCALL|could not receive data/,
    hint: 'The server ended or the network broke. Nothing was published; run this again when it is back.',
  },
  {
    pattern: /SSL|certificate|sslmode/i,
    hint: 'Check sslmode and sslrootcert in the address. dbops never lowers sslmode by itself.',
  },
  {
    pattern: /too many (clients|connections)|remaining connection slots/,
    hint: 'Free connections, then run this again.',
  },
  {
    pattern: /(starting up|shutting down|recovery mode)/,
    hint: 'Wait until the server is up, then run this again.',
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
  { pattern: /out of shared memory|max_locks_per_transaction/, hint: 'Raise max_locks_per_transaction on the server.' },
];

/** What a program or a session of PostgreSQL said when it failed, as an error with a way on. */
export function explainFailure(what: string, said: string, otherwise: ErrorCode = 'SOURCE_REFUSED'): DbopsError {
  const words = wordsOf(said);
  const found = explanations.find(({ pattern }) => pattern.test(words));
  return new DbopsError(found?.code ?? otherwise, words === '' ? what : `${what}: ${words}`, {
    hint: found?.hint ?? "See the server's log for more.",
  });
}

/** One line: without the programs' names, without prompts to look at the manual. */
function wordsOf(said: string): string {
  return said
    .trim()
    .split('\n')
    .map(withoutData)
    .map((line) =>
      line
        .replace(/^(psql|pg_dump|pg_restore|pg_dumpall|initdb):\s*/, '')
        .replace(/^(error|fatal):\s*/i, '')
        .trim(),
    )
    .filter((line) => line !== '' && !/^(connection to server was lost|Is the server running)/.test(line))
    .join('; ')
    .slice(0, 2_000);
}

/** Rows are the user's own, and errors go into logs and records. */
export function withoutData(line: string): string {
  return line
    .replace(/^(CONTEXT:\s+COPY .*?, line \d+(?:, column [^:]+)?): .*$/, '$1')
    .replace(/([Ff]ailing row contains|Key) \(.*$/, '$1 (…)')
    .replace(/(invalid input (?:syntax|value) for [^:]*|value out of range): ".*$/, '$1');
}
