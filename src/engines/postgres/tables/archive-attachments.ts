import { tokensOf } from '../../../core/sql/tokens.ts';
import type { TocEntry } from '../archive/toc.ts';
import { subjectOf } from '../script/subject.ts';

/** Entries that pg_restore is not told of, and those of them whose statements are to be run when all is there. */
export interface LateEntries {
  readonly left: readonly TocEntry[];
  readonly atTheEnd: readonly TocEntry[];
}

/**
 * Finds what attaches a partition, or an index of one, to what is not restored with it. A dump attaches tables before it
 * makes their indexes; to a table that has indexes already, it has to be done after that, and then does the same for
 * indexes. Triggers that the partition has from such a table are there only then, too.
 */
export function lateEntries(entries: readonly TocEntry[]): LateEntries {
  const tables = entries.filter(({ desc }) => desc === 'TABLE');
  const indexes = entries.filter(({ desc }) => desc === 'INDEX' || desc === 'CONSTRAINT');
  const isLone = (entry: TocEntry): boolean => {
    const { table, object } = subjectOf(tokensOf(Buffer.from(entry.definition)));
    const [schema, name = ''] = (entry.desc === 'TABLE ATTACH' ? table : object) ?? [];
    const candidates = entry.desc === 'TABLE ATTACH' ? tables : indexes;
    // A constraint's tag has its table's name before its own, which is its index's.
    return !candidates.some(({ namespace, tag }) => namespace === schema && (tag === name || tag.endsWith(` ${name}`)));
  };
  const attached = entries.filter((entry) => entry.desc === 'TABLE ATTACH' && isLone(entry));
  const lone = entries.filter((entry) => entry.desc === 'INDEX ATTACH' && isLone(entry));
  const triggers = attached.length === 0 ? [] : entries.filter(changesTrigger);
  return { left: [...attached, ...lone, ...triggers], atTheEnd: [...attached, ...triggers] };
}

/** Of a partition's trigger a dump says only whether it is enabled. */
function changesTrigger({ desc, definition }: TocEntry): boolean {
  return desc === 'TRIGGER' && /^\s*ALTER TABLE\b/.test(definition);
}
