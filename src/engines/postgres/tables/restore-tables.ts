import { DbopsError, messageOf } from '../../../core/errors.ts';
import type {
  DatabaseAddress,
  PartSource,
  TableRestoreRequest,
  TableRestoreResult,
} from '../../../core/ports/engine.ts';
import type { EngineHost } from '../../engine-driver.ts';
import { findClients, type Clients } from '../connection/clients.ts';
import { createConnection, type Connection } from '../connection/connection.ts';
import { SqlError, type Query } from '../connection/query.ts';
import { openSession, type Session } from '../connection/session.ts';
import { readVersion } from '../facts/sql-text.ts';
import { refuseOlderServer } from '../restore/preflight.ts';
import { canRestrict } from '../tools/client-advice.ts';
import { decideRights } from './archive-rights.ts';
import { refuseMissingNeeds } from './destination-needs.ts';
import { explainTables } from './explain.ts';
import { findPresent, lockPresent, sqlName, type PresentTable } from './present-tables.ts';
import { countRestored, type CountedTable } from './restored-rows.ts';
import { setAside } from './set-aside.ts';
import { watchSql } from './sql-stream.ts';
import { labelOf, openTableScript, type TableName, type TableScript } from './table-script.ts';
import { beginWriting, resetSettings } from './writing.ts';

/** Brings tables back into a database, in one transaction: all of them, or nothing is changed. */
export async function restoreTables(
  parts: PartSource,
  destination: DatabaseAddress,
  request: TableRestoreRequest,
  host: EngineHost,
): Promise<TableRestoreResult> {
  const { signal } = request;
  const connection = createConnection(destination, host);
  const binDir = connection.via.length === 0 ? connection.binDir : undefined;
  const clients = await findClients(connection, ['psql'], 0, signal);
  await using session = await openSession({ connection, psql: clients.paths.psql, signal });
  const script = await openTableScript(parts, { ...request, path: connection.path, binDir });
  try {
    return await restoreInto({ connection, clients, session, script, request });
  } catch (error) {
    signal.throwIfAborted();
    throw await explainTables(error, { connection, psql: clients.paths.psql, script, signal });
  }
}

interface Work {
  readonly connection: Connection;
  readonly clients: Clients<'psql'>;
  readonly session: Session;
  readonly script: TableScript;
  readonly request: TableRestoreRequest;
}

async function restoreInto(work: Work): Promise<TableRestoreResult> {
  const { connection, session, script, request } = work;
  const { query } = session;
  await resetSettings(query, connection.lockTimeoutMs);
  refuseOlderServer(script.toc, Math.trunc((await readVersion(query)) / 10_000), connection.label);
  await refuseMissingNeeds(query, script, connection.label);
  refusePresent(await findPresent(query, script.tables), request.overwrite);
  await beginWriting(query);
  const present = request.overwrite ? await lockPresent(query, script.tables) : [];
  refuseEmptying(present, script.withoutRows);
  const rights = await decideRights(query, script, present);
  const aside = present.length === 0 ? undefined : await setAside(query, present, request.stamp);
  const rowsOf = await feed(work, rights.restore);
  const restored = await countRestored(query, script.tables, rowsOf);
  await aside?.reconnect();
  await commit(query, script.tables);
  return {
    tables: restored.filter(({ isPartition }) => !isPartition).map(({ name, rows }) => ({ name, rows })),
    kept: aside?.schemas.join(', '),
    warnings: [
      ...rights.warnings,
      ...script.withoutRows.map((table) => `the backup has no rows of ${labelOf(table)}, so it is empty`),
      ...(await analyze(query, restored)),
      ...(aside?.schemas ?? []).map(describeKept),
    ],
  };
}

function refusePresent(present: readonly TableName[], overwrite: boolean): void {
  if (present.length === 0 || overwrite) return;
  const names = present.slice(0, 5).map(labelOf).join(', ');
  throw new DbopsError(
    'REFUSED',
    `${names}${present.length > 5 ? ' and others' : ''} exist${present.length === 1 ? 's' : ''} there`,
    {
      hint: 'Nothing was changed. Add --overwrite to replace what is there (it is kept in another schema), or --as-sql to look at the rows first.',
    },
  );
}

/** A backup without rows must not be the end of those that are there. */
function refuseEmptying(present: readonly PresentTable[], withoutRows: readonly TableName[]): void {
  const emptied = withoutRows.find((table) => present.some((there) => labelOf(there) === labelOf(table)));
  if (emptied === undefined) return;
  throw new DbopsError(
    'REFUSED',
    `the backup has no rows of ${labelOf(emptied)}, which would be replaced by an empty table`,
    {
      hint: 'Nothing was changed. Use a backup that was made with the rows of this table.',
    },
  );
}

/** Runs the script; gives how many rows it had of each table that was filled by COPY. */
async function feed(
  { connection, clients, session, script }: Work,
  rights: boolean,
): Promise<ReadonlyMap<string, number>> {
  const { query } = session;
  await resetSettings(query, connection.lockTimeoutMs);
  const own = script.toc === undefined ? 'public' : 'pg_catalog';
  await query(`SET search_path = ${own}`);
  const sql = watchSql(await script.open({ rights }), {
    attachments: script.attachments,
    tables: script.toc === undefined ? undefined : script.tables,
  });
  await session.feed(sql.stream, { restricted: canRestrict(clients.version) });
  await resetSettings(query, connection.lockTimeoutMs);
  const copied = sql.copied();
  return new Map([...sql.rows()].filter(([name]) => copied.has(name)));
}

async function commit(query: Query, tables: readonly TableName[]): Promise<void> {
  await query('COMMIT').catch((error: unknown) => {
    if (error instanceof SqlError) throw error;
    throw new DbopsError('SOURCE_REFUSED', `it is not known whether the restore was committed: ${messageOf(error)}`, {
      hint: `The connection was lost at the last moment. Look at ${tables.slice(0, 3).map(labelOf).join(', ')} there: all is restored, or nothing is.`,
      cause: error,
    });
  });
}

/** What is restored by now stays so, with or without statistics. */
async function analyze(query: Query, restored: readonly CountedTable[]): Promise<string[]> {
  const names = restored.filter(({ isForeign }) => !isForeign).map(({ table }) => sqlName(table));
  try {
    if (names.length > 0) await query(`ANALYZE ${names.join(', ')}`);
    return [];
  } catch (error) {
    return [`the restored tables have no statistics yet, run ANALYZE: ${messageOf(error)}`];
  }
}

function describeKept(schema: string): string {
  return `what was replaced is kept in the schema ${schema}; when nobody needs it any more: DROP SCHEMA ${schema} CASCADE`;
}
