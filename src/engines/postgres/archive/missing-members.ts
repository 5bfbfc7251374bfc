import { nameOf } from './entry-name.ts';
import { suffixes } from './member-file.ts';
import { memberNames } from './members.ts';
import type { Toc } from './toc.ts';

/** One line for each file that a directory's table of contents asks for and that is not among the names. */
export function missingMembers(toc: Toc, names: readonly string[]): string[] {
  const there = new Set(names);
  return toc.entries
    .filter((entry) => entry.hasData)
    .filter((entry) => !memberNames(entry).some((base) => suffixes.some((suffix) => there.has(base + suffix))))
    .map((entry) => `${memberNames(entry)[0] ?? ''} with ${nameOf(entry)} is missing`);
}
