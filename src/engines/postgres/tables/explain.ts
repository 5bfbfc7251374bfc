import { DbopsError } from '../../../core/errors.ts';
import type { Connection } from '../connection/connection.ts';
import { explainFailure } from '../connection/failure.ts';
import { SqlError } from '../connection/query.ts';
import { openSession } from '../connection/session.ts';
import { quoteLiteral } from '../facts/sql-text.ts';
import { labelOf, type TableScript } from './table-script.ts';

interface Place {
  readonly connection: Connection;
  readonly psql: string;
  readonly script: TableScript;
  readonly signal: AbortSignal;
}

/** What the server said against the restore of tables, with the statement and without anybody's rows. */
export async function explainTables(error: unknown, place: Place): Promise<unknown> {
  if (!(error instanceof SqlError)) return error;
  const { connection } = place;
  const { tables } = place.script;
  const names = tables.length > 3 ? `${tables.length} tables` : tables.map(labelOf).join(', ');
  const { code, message, hint } = explainFailure(
    `${names} cannot be restored into ${connection.label}, which is as it was`,
    withoutRows(error.message),
  );
  const blocked = /lock timeout|could not obtain lock/.test(error.message);
  const holders = blocked ? await findHolders(place) : [];
  const held = holders.length === 0 ? '' : `; held by ${holders.join(', ')}`;
  return new DbopsError(code, `${message}${held}`, hint === undefined ? {} : { hint });
}

/** The server names values of rows in its words, and psql shows a whole INSERT. */
function withoutRows(said: string): string {
  const at = said.indexOf('STATEMENT:');
  const words = at < 0 ? said : said.slice(0, at).trimEnd();
  const statement =
    at < 0
      ? ''
      : said
          .slice(at)
          .replace(/^STATEMENT:\s*/, '')
          .trim();
  const isData = /^(copy|insert)\b/i.test(statement) || /^CONTEXT:\s+COPY/m.test(said);
  const first = statement
    .replace(/\s+/g, ' ')
    .replace(/^(INSERT INTO .*?)(?: OVERRIDING| VALUES).*$/i, '$1')
    .slice(0, 300);
  const told = isData ? words.replaceAll(/: "[^\n]*"$/gm, '').replaceAll(/^(?:LINE \d+:.*|\s*\^\s*)$/gm, '') : words;
  return first === '' ? told : `${told}\nin: ${first}`;
}

/** Sessions that have locks on these tables, or on those that they refer to. */
async function findHolders(place: Place): Promise<string[]> {
  try {
    return await readHolders(place);
  } catch {
    // The error that is being explained matters more.
    return [];
  }
}

async function readHolders({ connection, psql, script, signal }: Place): Promise<string[]> {
  await using session = await openSession({ connection, psql, signal });
  const referred = script.needs.map(({ namespace = '', name }) => ({ schema: namespace, name }));
  const list = [...script.tables, ...referred]
    .map(({ schema, name }) => `(${quoteLiteral(schema)}, ${quoteLiteral(name)})`)
    .join(', ');
  const rows = await session.query(`
    SELECT DISTINCT a.pid::text AS pid, a.application_name AS application, a.state
    FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a USING (pid)
    JOIN pg_catalog.pg_class c ON c.oid = l.relation JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE l.granted AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
      AND (n.nspname, c.relname) IN (${list}) AND a.pid <> pg_catalog.pg_backend_pid() ORDER BY 1 LIMIT 5`);
  return rows.map(({ pid, application, state }) => {
    const name = application === null || application === '' ? '' : ` (${application})`;
    return `process ${pid}${name}, ${state ?? 'state unknown'}`;
  });
}
