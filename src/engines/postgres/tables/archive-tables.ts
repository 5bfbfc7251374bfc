import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DbopsError } from '../../../core/errors.ts';
import type { PartSource } from '../../../core/ports/engine.ts';
import { restoreList } from '../archive/restore-list.ts';
import { tableEntries, type Need } from '../archive/table-entries.ts';
import type { Toc, TocEntry } from '../archive/toc.ts';
import type { DumpContent } from '../restore/dump-content.ts';
import { majorOf } from '../restore/preflight.ts';
import { findClientPrograms } from '../tools/programs.ts';
import { locateArchive } from './archive-place.ts';
import { readByPgRestore } from './pg-restore-output.ts';
import type { TableName, TableScript, TableScriptRequest } from './table-script.ts';

type ArchiveContent = Exclude<DumpContent, { readonly type: 'script' }>;

/** Tables of an archive, turned into SQL by pg_restore, which does that without a server. */
export async function openArchiveTables(
  parts: PartSource,
  content: ArchiveContent,
  request: TableScriptRequest,
): Promise<TableScript> {
  const place = await locateArchive(parts, content, request);
  const { ids, needs } = tableEntries(place.toc, request.tables);
  const entries = place.toc.entries.filter(({ dumpId }) => ids.has(dumpId));
  refuseRowsAlone(entries);
  const tables = entries.filter(({ desc }) => desc === 'TABLE' || desc === 'FOREIGN TABLE');
  const lone = attachmentsToOthers(entries, needs);
  const chosen: Toc = { header: place.toc.header, entries };
  return {
    tables: tables.map(nameOf),
    withoutRows: tables.filter((table) => lacksRows(table, entries)).map(nameOf),
    needs,
    toc: chosen,
    attachments: entries.filter(({ dumpId, desc }) => lone.has(dumpId) && desc === 'TABLE ATTACH').map(definitionOf),
    open: async ({ rights }) => {
      const list = join(request.scratch, 'tables.list');
      await writeFile(list, restoreList(place.toc, new Set([...ids].filter((id) => !lone.has(id)))), {
        flag: 'wx',
        mode: 0o600,
      });
      const { paths } = await findClientPrograms({
        path: request.path,
        binDir: request.binDir,
        atLeastMajor: majorOf(place.toc.header.dumpVersion) ?? 0,
        names: ['pg_restore'],
      });
      const input = await place.fetch(entries);
      const switches = rights ? [] : ['--no-owner', '--no-privileges'];
      return readByPgRestore({
        program: paths.pg_restore,
        path: request.path,
        args: [`--use-list=${list}`, '--file=-', ...switches, ...input.args],
        input: input.stdin,
        label: place.label,
        signal: request.signal,
      });
    },
  };
}

function nameOf({ namespace = 'public', tag }: TocEntry): TableName {
  return { schema: namespace, name: tag };
}

/**
 * Entries that attach a partition, or an index of one, to what is not restored. A dump attaches before it makes indexes;
 * a table that has its own already would make them first.
 */
function attachmentsToOthers(entries: readonly TocEntry[], needs: readonly Need[]): ReadonlySet<number> {
  const needing = new Set(needs.flatMap(({ by }) => by));
  const attachments = entries.filter(({ desc }) => desc === 'TABLE ATTACH' || desc === 'INDEX ATTACH');
  return new Set(attachments.map(({ dumpId }) => dumpId).filter((id) => needing.has(id)));
}

function definitionOf({ definition }: TocEntry): string {
  return definition;
}

/** @throws DbopsError REFUSED */
function refuseRowsAlone(entries: readonly TocEntry[]): void {
  const defined = entries.filter(({ desc }) => desc === 'TABLE' || desc === 'FOREIGN TABLE');
  const alone = entries.find((entry) => entry.desc === 'TABLE DATA' && !defined.some((table) => isOf(entry, table)));
  if (alone === undefined) return;
  throw new DbopsError('REFUSED', `the backup has rows of ${alone.tag} and not its definition`, {
    hint: 'It was made with --data-only. Add its rows to a table that is there by pg_restore --data-only --table.',
  });
}

function lacksRows(table: TocEntry, entries: readonly TocEntry[]): boolean {
  // The rows of a partitioned table are those of its partitions.
  if (table.desc === 'FOREIGN TABLE' || /\)\s*PARTITION BY /.test(table.definition)) return false;
  return !entries.some((entry) => entry.desc === 'TABLE DATA' && entry.hasData && isOf(entry, table));
}

function isOf(entry: TocEntry, table: TocEntry): boolean {
  return entry.tag === table.tag && entry.namespace === table.namespace;
}
