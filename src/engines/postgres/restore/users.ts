import type { Query } from '../connection/query.ts';
import { quoteLiteral } from '../facts/sql-text.ts';

/** Connections to a database, in words. */
export async function usersOf(query: Query, name: string): Promise<string[]> {
  const rows = await query(`
    SELECT usename AS role, application_name AS application, client_addr::text AS address, count(*)::text AS connections
    FROM pg_catalog.pg_stat_activity
    WHERE datname = ${quoteLiteral(name)} AND pid <> pg_catalog.pg_backend_pid() AND backend_type = 'client backend'
    GROUP BY 1, 2, 3 ORDER BY count(*) DESC, 1, 2 LIMIT 10`);
  return rows.map(({ role, application, address, connections }) => {
    const program = application === '' || application === null ? 'a program' : application;
    const from = address === null || address === undefined ? '' : ` from ${address}`;
    const times = connections === '1' ? '' : ` (${connections} connections)`;
    return `${program} as ${role ?? 'nobody'}${from}${times}`;
  });
}
