import type { Toc, TocEntry } from './toc.ts';

export type ById = ReadonlyMap<number, TocEntry>;

export function byDumpId(toc: Toc): ById {
  return new Map(toc.entries.map((entry) => [entry.dumpId, entry]));
}

/** The tables that an entry depends on, the nearest first. */
export function tablesIn({ dependencies }: TocEntry, entries: ById): readonly TocEntry[] {
  const found = dependencies.map((id) => entries.get(id)).filter((entry) => entry !== undefined);
  return found.filter(isTable);
}

export function isTable({ desc }: TocEntry): boolean {
  return desc === 'TABLE' || desc === 'FOREIGN TABLE';
}

/**
 * The table that an entry is a part of. A foreign key, a rule or a policy depends on other tables too; the tag of all of
 * these is the table's name, a space and their own. Where two names fit (`a` and `a b`), the definition decides.
 */
export function ownTable(entry: TocEntry, entries: ById): TocEntry | undefined {
  const fitting = tablesIn(entry, entries).filter((table) => isNamed(table, entry) || isPartOf(table, entry));
  return fitting.find(({ tag }) => isDefinedOn(entry, tag)) ?? fitting[0];
}

/** The partition, or the partition's index, that an entry attaches. A constraint stands for its index. */
export function attached(entry: TocEntry, entries: ById): TocEntry | undefined {
  const found = entry.dependencies.map((id) => entries.get(id));
  return found.find(
    (object) =>
      isNamed(object, entry) ||
      (object?.desc === 'CONSTRAINT' && object.namespace === entry.namespace && object.tag.endsWith(` ${entry.tag}`)),
  );
}

function isNamed(object: TocEntry | undefined, { tag, namespace }: TocEntry): boolean {
  return object?.tag === tag && object.namespace === namespace;
}

function isPartOf(table: TocEntry, { tag, namespace }: TocEntry): boolean {
  return table.namespace === namespace && tag.startsWith(`${table.tag} `);
}

function isDefinedOn({ definition }: TocEntry, table: string): boolean {
  const quoted = `"${table.replaceAll('"', '""')}"`;
  const head = definition.split('(', 1)[0] ?? '';
  return [table, quoted].some((name) => head.includes(`.${name} `) || head.includes(`.${name}\n`));
}
