import type { Query } from '../connection/query.ts';

/**
 * Arguments of pg_dumpall that write a server's roles and tablespaces to its standard output. The connection comes from
 * the environment. `--no-role-passwords` is known since PostgreSQL 10; without it pg_dumpall fails where the hashes
 * cannot be read.
 */
export function globalsArguments({ passwords }: { readonly passwords: boolean }): string[] {
  return ['--globals-only', '--no-password', ...(passwords ? [] : ['--no-role-passwords'])];
}

/** Whether the session's role may read the hashes of passwords; on a hosted server nobody may. */
export async function canReadPasswords(query: Query): Promise<boolean> {
  const [row] = await query("SELECT pg_catalog.has_table_privilege('pg_catalog.pg_authid', 'SELECT') AS readable");
  return row?.['readable'] === 't';
}
