import { nameOf } from './entry-name.ts';
import { attached, byDumpId, isTable, tablesIn, type ById } from './ownership.ts';
import type { Toc, TocEntry } from './toc.ts';

/**
 * A list for `pg_restore --use-list`: a line for each of the entries, in the archive's order. Only what attaches a
 * partition to a table outside the list comes last: that table is there already, and would give its indexes and its
 * primary key to a partition that is attached without. With `--jobs` pg_restore keeps to an order of its own.
 */
export function restoreList(toc: Toc, ids: ReadonlySet<number>): string {
  const entries = byDumpId(toc);
  const chosen = toc.entries.filter(({ dumpId }) => ids.has(dumpId));
  const late = lateAttachments(chosen, ids, entries);
  const ordered = [...chosen.filter((entry) => !late.has(entry)), ...late];
  // pg_restore reads the number alone; what follows the semicolon is for people.
  return ordered.map((entry) => `${entry.dumpId}; ${nameOf(entry)}\n`).join('');
}

/** In the archive's order, which has tables before their indexes. */
function lateAttachments(chosen: readonly TocEntry[], ids: ReadonlySet<number>, entries: ById): ReadonlySet<TocEntry> {
  const partitions = new Set<TocEntry>();
  const late = new Set<TocEntry>();
  for (const entry of chosen.filter(({ desc }) => desc.endsWith(' ATTACH'))) {
    const child = attached(entry, entries);
    if (child === undefined) continue;
    const isToOutside = isTable(child) && tablesIn(entry, entries).some(({ dumpId }) => !ids.has(dumpId));
    if (isToOutside) partitions.add(child);
    // Of a table that is itself divided, the indexes must be whole before it can be attached.
    const [table] = isTable(child) ? [child] : tablesIn(child, entries);
    if (table !== undefined && partitions.has(table)) late.add(entry);
  }
  return late;
}
