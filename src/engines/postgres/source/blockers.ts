import { DbopsError, messageOf } from '../../../core/errors.ts';
import { findClients } from '../connection/clients.ts';
import type { Connection } from '../connection/connection.ts';
import { explainFailure } from '../connection/failure.ts';
import { SqlError, type Row } from '../connection/query.ts';
import { openSession } from '../connection/session.ts';
import type { OpenDatabase } from './open-database.ts';

/**
 * Says of a lock that was not given who holds it; the sessions of the dump are of no use any more, so another one asks.
 * Other failures stay what they are.
 */
export async function explainBlocked(error: unknown, database: OpenDatabase): Promise<Error> {
  const failure =
    error instanceof SqlError ? explainFailure('the facts could not be read', error.message) : toError(error);
  if (!/lock timeout|could not obtain lock/.test(messageOf(error))) return failure;
  const holders = await findHolders(database);
  if (holders.length === 0) return failure;
  return new DbopsError('SOURCE_REFUSED', `${failure.message}; held by ${holders.join('; ')}`, {
    hint: 'Wait until that is done, or give it more time with --lock-timeout. Nothing was published.',
    cause: error,
  });
}

function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

// Modes that keep readers out, in sessions that were granted one on a table of this database.
const holdersQuery = `
  SELECT DISTINCT a.pid::text AS pid, coalesce(a.application_name, '') AS application, left(a.query, 200) AS statement,
    pg_catalog.date_trunc('second', now() - a.xact_start)::text AS since
  FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a USING (pid)
  WHERE l.granted AND l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock' AND a.datname = current_database()
  ORDER BY 1 LIMIT 5`;

async function findHolders({ connection, signal }: OpenDatabase): Promise<string[]> {
  const rows = await askHolders(connection, signal);
  return rows.map(({ pid, application, statement, since }) => {
    const who = application === '' || application === null ? `process ${pid}` : `process ${pid} (${application})`;
    return `${who} for ${since ?? 'some time'}: ${plainStatement(statement ?? '')}`;
  });
}

/** Nobody to name when the server cannot be asked any more. */
async function askHolders(connection: Connection, signal: AbortSignal): Promise<readonly Row[]> {
  try {
    const { paths } = await findClients(connection, ['psql'], 0, signal);
    await using session = await openSession({ connection, psql: paths.psql, signal });
    return await session.query(holdersQuery);
  } catch {
    return [];
  }
}

/** On one line, and no further than its first value: those are somebody's data. Numbers are left out too. */
function plainStatement(statement: string): string {
  const beginning = /^(?:(?!'|\$|--|\/\*)[^])*/.exec(statement)?.[0] ?? '';
  const shown = beginning
    .replace(/\b\d[\w.]*/g, '…')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, 100);
  return beginning.length < statement.length ? `${shown} …` : shown;
}
