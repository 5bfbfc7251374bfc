import type { RestoreOptions } from '../../../core/ports/engine.ts';
import type { Toc } from '../archive/toc.ts';
import type { Query } from '../connection/query.ts';

/**
 * What an archive says of the database itself and not of its content, which a restore under another name leaves out:
 * settings, comment, labels and grants (of pg_dump 11 to 18). In words; empty when there is nothing.
 */
export function leftOutOfDatabase({ entries }: Toc, acl: boolean): string[] {
  const statements = entries
    .filter(({ desc, tag }) => desc === 'DATABASE PROPERTIES' || (tag.startsWith('DATABASE ') && noted(desc, acl)))
    .flatMap(({ definition }) => definition.split('\n'))
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('--'));
  if (statements.length === 0) return [];
  const shown = statements.slice(0, 20).join(' ');
  return [`a new database gets nothing of what was set on the original one; to set it, change the name in: ${shown}`];
}

function noted(desc: string, acl: boolean): boolean {
  return desc === 'COMMENT' || desc === 'SECURITY LABEL' || (acl && desc === 'ACL');
}

/** An application that worked with the old database may not work with one that belongs to somebody else. */
export async function rightsLeftOut(toc: Toc, { owner, acl }: RestoreOptions, query: Query): Promise<string[]> {
  const [row] = await query('SELECT current_user AS role');
  const isOther = (name: string | undefined): boolean =>
    name !== undefined && name !== '' && name !== row?.['role'] && !name.startsWith('pg_');
  const owners = [...new Set(toc.entries.map((entry) => entry.owner).filter(isOther))];
  const hasGrants = toc.entries.some(({ desc }) => desc === 'ACL' || desc === 'DEFAULT ACL');
  return [
    ...(owner === true || owners.length === 0
      ? []
      : [`all belongs to the role that restores, not to ${owners.slice(0, 5).join(', ')}: add --owner to keep owners`]),
    ...(acl === true || !hasGrants
      ? []
      : ['grants were left out, and who needs them is refused: add --acl to keep them']),
  ];
}
