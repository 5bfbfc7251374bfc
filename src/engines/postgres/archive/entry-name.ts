import type { TocEntry } from './toc.ts';

/** `TABLE DATA public.users`, in one line of bearable length whatever the name holds. */
export function nameOf({ desc, namespace, tag }: TocEntry): string {
  return printable(`${desc} ${namespace === undefined ? '' : `${namespace}.`}${tag}`);
}

/** A name that somebody else chose, made fit for a line of a report. */
export function printable(name: string): string {
  const line = name.replaceAll(/[\p{Cc}\u2028\u2029]/gu, '?');
  return line.length > 200 ? `${line.slice(0, 200)}…` : line;
}
