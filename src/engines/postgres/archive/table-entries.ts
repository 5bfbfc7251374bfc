import { DbopsError } from '../../../core/errors.ts';
import { parseTablePattern } from './table-pattern.ts';
import type { Toc, TocEntry } from './toc.ts';

export interface TableEntries {
  /** Dump ids of all that belongs to the tables. */
  readonly ids: ReadonlySet<number>;
  /** What does not belong to them and must exist before: types, functions, schemas, extensions, other tables … */
  readonly needs: readonly Need[];
}

export interface Need {
  /** The kind: `TYPE`, `FUNCTION`, `SCHEMA`, `TABLE` … */
  readonly desc: string;
  readonly namespace: string | undefined;
  readonly name: string;
  /** Dump ids of the entries that cannot be restored without it. */
  readonly by: readonly number[];
}

/**
 * Finds what it takes to restore tables completely: their definition and rows, partitions, the sequences that they own,
 * defaults, constraints, indexes, triggers, rules, policies, statistics, comments and grants. A foreign key belongs to the
 * table that has it, and a partition's attachment to the partition; what they refer to is needed, if it is not among the
 * tables. Membership in publications is left out.
 * @throws DbopsError USAGE for an impossible name, NOTHING_MATCHES when a name fits no table.
 */
export function tableEntries(toc: Toc, patterns: readonly string[]): TableEntries {
  const entries = new Map(toc.entries.map((entry) => [entry.dumpId, entry]));
  const ids = withPartitions(toc, entries, matchTables(toc, patterns));
  for (const entry of toc.entries) if (belongs(entry, ids, entries)) ids.add(entry.dumpId);
  return { ids, needs: needsOf(toc, ids, entries) };
}

type ById = ReadonlyMap<number, TocEntry>;

const tables = new Set(['TABLE', 'FOREIGN TABLE']);
/** Of archives with data alone, which have no other entry of a table. */
const rows = 'TABLE DATA';

function matchTables(toc: Toc, patterns: readonly string[]): Set<number> {
  const candidates = toc.entries.filter(({ desc }) => tables.has(desc) || desc === rows);
  const found = patterns.map(parseTablePattern).flatMap((pattern) => {
    const matching = candidates.filter(({ namespace, tag }) => pattern.matches(namespace, tag));
    if (matching.length > 0) return matching;
    throw new DbopsError('NOTHING_MATCHES', `the archive has no table ${pattern.text}`, {
      hint: 'A name that is not quoted is folded to lower case. `pg_restore --list` shows what the archive has.',
    });
  });
  return new Set(found.map(({ dumpId }) => dumpId));
}

/** Adds the partitions of partitioned tables, and theirs. */
function withPartitions(toc: Toc, entries: ById, ids: Set<number>): Set<number> {
  const partitions = new Map<number, number[]>();
  for (const entry of toc.entries.filter(({ desc }) => desc === 'TABLE ATTACH')) {
    const child = ownTable(entry, entries);
    for (const parent of tablesIn(entry, entries)) {
      if (child === undefined || parent === child) continue;
      const known = partitions.get(parent.dumpId);
      if (known === undefined) partitions.set(parent.dumpId, [child.dumpId]);
      else known.push(child.dumpId);
    }
  }
  // A set gives what is added to it while one goes through it.
  for (const id of ids) for (const partition of partitions.get(id) ?? []) ids.add(partition);
  return ids;
}

/** By the dependency that names whose an entry is. An archive has each entry after those it depends on. */
function belongs(entry: TocEntry, ids: ReadonlySet<number>, entries: ById): boolean {
  const has = (id: number | undefined): boolean => id !== undefined && ids.has(id);
  switch (entry.desc) {
    case rows:
    case 'INDEX':
    case 'STATISTICS':
      return has(tablesIn(entry, entries)[0]?.dumpId);
    case 'SEQUENCE':
    case 'SEQUENCE OWNED BY':
    case 'SEQUENCE SET':
    case 'STATISTICS DATA':
      return entry.dependencies.some(has);
    case 'COMMENT':
    case 'ACL':
    case 'SECURITY LABEL':
      return has(entry.dependencies[0]);
    case 'INDEX ATTACH':
      return has(entry.dependencies.find((id) => isNamed(entries.get(id), entry)));
    case 'TABLE ATTACH':
    case 'DEFAULT':
    case 'CONSTRAINT':
    case 'CHECK CONSTRAINT':
    case 'FK CONSTRAINT':
    case 'TRIGGER':
    case 'RULE':
    case 'POLICY':
    case 'ROW SECURITY':
      return has(ownTable(entry, entries)?.dumpId);
    default:
      return false;
  }
}

function tablesIn({ dependencies }: TocEntry, entries: ById): readonly TocEntry[] {
  return dependencies.map((id) => entries.get(id)).filter(isTable);
}

function isTable(entry: TocEntry | undefined): entry is TocEntry {
  return entry !== undefined && tables.has(entry.desc);
}

/**
 * The table that an entry is a part of. A foreign key, a rule or a policy depends on other tables too; the tag of all of
 * these is the table's name, a space and their own. Where two names fit (`a` and `a b`), the definition decides.
 */
function ownTable(entry: TocEntry, entries: ById): TocEntry | undefined {
  const fitting = tablesIn(entry, entries).filter((table) => isNamed(table, entry) || isPartOf(table, entry));
  return fitting.find(({ tag }) => isDefinedOn(entry, tag)) ?? fitting[0];
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

/** In the archive's order. */
function needsOf(toc: Toc, ids: ReadonlySet<number>, entries: ById): readonly Need[] {
  const by = new Map<number, Set<number>>();
  for (const { dumpId, dependencies } of toc.entries.filter((entry) => ids.has(entry.dumpId))) {
    for (const id of dependencies) {
      if (ids.has(id) || !entries.has(id)) continue;
      by.set(id, (by.get(id) ?? new Set()).add(dumpId));
    }
  }
  return toc.entries.flatMap(({ dumpId, desc, namespace, tag }) => {
    const dependents = by.get(dumpId);
    return dependents === undefined ? [] : [{ desc, namespace, name: tag, by: [...dependents] }];
  });
}
