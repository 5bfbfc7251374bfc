import { nameOf } from './entry-name.ts';
import type { Toc } from './toc.ts';

/** A list for `pg_restore --use-list`: a line for each of the entries, in the archive's order. */
export function restoreList(toc: Toc, ids: ReadonlySet<number>): string {
  const chosen = toc.entries.filter(({ dumpId }) => ids.has(dumpId));
  // pg_restore reads the number alone; what follows the semicolon is for people.
  return chosen.map((entry) => `${entry.dumpId}; ${nameOf(entry)}\n`).join('');
}
