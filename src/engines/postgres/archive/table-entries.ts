import { DbopsError } from '../../../core/errors.ts';
import { attached, byDumpId, isTable, ownTable, tablesIn, type ById } from './ownership.ts';
import { parseTablePattern } from './table-pattern.ts';
import type { Toc, TocEntry } from './toc.ts';

export interface TableEntries {
  /** Dump ids of all that belongs to the tables. */
  readonly ids: ReadonlySet<number>;
  /** What does not belong to them and must exist before: types, functions, schemas, extensions, other tables … */
  readonly needs: readonly Need[];
}

export interface Need {
  readonly dumpId: number;
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
  const entries = byDumpId(toc);
  const ids = withPartitions(toc, entries, matchTables(toc, patterns));
  for (const entry of toc.entries) if (belongs(entry, ids, entries)) ids.add(entry.dumpId);
  return { ids, needs: needsOf(toc, ids, entries) };
}

/** Of archives with data alone, which have no other entry of a table. */
const rows = 'TABLE DATA';

function matchTables(toc: Toc, patterns: readonly string[]): Set<number> {
  const candidates = toc.entries.filter((entry) => isTable(entry) || entry.desc === rows);
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
    const child = attached(entry, entries);
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
    case 'TABLE ATTACH':
      return has(attached(entry, entries)?.dumpId);
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

/** In the archive's order. */
function needsOf(toc: Toc, ids: ReadonlySet<number>, entries: ById): readonly Need[] {
  const chosen = toc.entries.filter(({ dumpId }) => ids.has(dumpId));
  const apart = attachments(chosen, entries);
  const by = new Map<number, Set<number>>();
  for (const { dumpId, dependencies } of chosen) {
    for (const id of dependencies) {
      if (ids.has(id) || !entries.has(id) || apart.has(`${dumpId} ${id}`)) continue;
      by.set(id, (by.get(id) ?? new Set()).add(dumpId));
    }
  }
  return toc.entries.flatMap(({ dumpId, desc, namespace, tag }) => {
    const dependents = by.get(dumpId);
    return dependents === undefined ? [] : [{ dumpId, desc, namespace, name: tag, by: [...dependents] }];
  });
}

/** A partition depends on what it is a part of, and yet it is made without: only its attachment needs that. */
function attachments(chosen: readonly TocEntry[], entries: ById): ReadonlySet<string> {
  const pairs = new Set<string>();
  for (const entry of chosen.filter(({ desc }) => desc.endsWith(' ATTACH'))) {
    const child = attached(entry, entries);
    for (const id of entry.dependencies) pairs.add(`${child?.dumpId} ${id}`);
  }
  return pairs;
}
