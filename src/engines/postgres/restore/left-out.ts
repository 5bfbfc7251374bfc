import type { Toc } from '../archive/toc.ts';

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
