import type { Query } from '../connection/query.ts';
import { quoteLiteral } from '../facts/sql-text.ts';
import { rolesMentioned } from '../restore/preflight.ts';
import type { TableName, TableScript } from './table-script.ts';

export interface Rights {
  /** Whether owners and grants come from the backup. */
  readonly restore: boolean;
  readonly warnings: readonly string[];
}

/**
 * Tables that replace others take over their rights. Those that were not there get what the backup says, if the server has
 * all the roles and this one may act for them.
 */
export async function decideRights(query: Query, script: TableScript, present: readonly TableName[]): Promise<Rights> {
  const isNew = ({ schema, name }: TableName): boolean =>
    !present.some((there) => there.schema === schema && there.name === name);
  if (!script.tables.some(isNew)) return { restore: false, warnings: [] };
  if (script.toc === undefined) return without('owners and grants of plain SQL are left out');
  if (present.length > 0) return without('some of the tables were there before and keep their rights');
  const roles = rolesMentioned(script.toc);
  if (roles.length === 0) return { restore: true, warnings: [] };
  const list = roles.map((role) => `(${quoteLiteral(role)})`).join(', ');
  const rows = await query(`
    SELECT v.name, r.oid IS NULL AS missing FROM (VALUES ${list}) AS v (name)
    LEFT JOIN pg_catalog.pg_roles r ON r.rolname = v.name
    WHERE r.oid IS NULL OR NOT pg_catalog.pg_has_role(current_user, r.oid, 'MEMBER') ORDER BY 1`);
  if (rows.length === 0) return { restore: true, warnings: [] };
  const missing = rows.filter((row) => row['missing'] === 't').map(({ name }) => name);
  if (missing.length > 0) return without(`the server lacks the roles ${missing.join(', ')}`);
  return without(`this role may not act for ${rows.map(({ name }) => name).join(', ')}`);
}

function without(reason: string): Rights {
  return { restore: false, warnings: [`new tables belong to the role that restored them, without grants: ${reason}`] };
}
