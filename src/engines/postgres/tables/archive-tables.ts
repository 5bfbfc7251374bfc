import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DbopsError } from '../../../core/errors.ts';
import type { PartSource } from '../../../core/ports/engine.ts';
import { scratchOf } from '../../../core/scratch-place.ts';
import { readCopy } from '../../../core/sql/copy-statement.ts';
import { formatName } from '../../../core/sql/names.ts';
import { restoreList } from '../archive/restore-list.ts';
import { tableEntries } from '../archive/table-entries.ts';
import type { Toc, TocEntry } from '../archive/toc.ts';
import type { DumpContent } from '../restore/dump-content.ts';
import { majorOf } from '../restore/preflight.ts';
import { findClientPrograms } from '../tools/programs.ts';
import { lateEntries } from './archive-attachments.ts';
import { locateArchive } from './archive-place.ts';
import { readByPgRestore } from './pg-restore-output.ts';
import { storedElsewhere } from './sql-stream.ts';
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
  refuseRowsElsewhere(entries);
  const tables = entries.filter(({ desc }) => desc === 'TABLE' || desc === 'FOREIGN TABLE');
  const late = lateEntries(entries);
  const left = new Set(late.left.map(({ dumpId }) => dumpId));
  const chosen: Toc = { header: place.toc.header, entries };
  return {
    tables: tables.map(nameOf),
    withoutRows: tables.filter((table) => lacksRows(table, entries)).map(nameOf),
    needs,
    toc: chosen,
    attachments: late.atTheEnd.map(({ definition }) => definition),
    open: async ({ rights }) => {
      const list = join(scratchOf(request), 'tables.list');
      await writeFile(list, restoreList(place.toc, new Set([...ids].filter((id) => !left.has(id)))), {
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

/** @throws DbopsError REFUSED */
function refuseRowsAlone(entries: readonly TocEntry[]): void {
  const defined = entries.filter(({ desc }) => desc === 'TABLE' || desc === 'FOREIGN TABLE');
  const alone = entries.find((entry) => entry.desc === 'TABLE DATA' && !defined.some((table) => isOf(entry, table)));
  if (alone === undefined) return;
  throw new DbopsError('REFUSED', `the backup has rows of ${alone.tag} and not its definition`, {
    hint: 'It was made with --data-only. Add its rows to a table that is there by pg_restore --data-only --table.',
  });
}

/** @throws DbopsError REFUSED */
function refuseRowsElsewhere(entries: readonly TocEntry[]): void {
  const known = new Set(entries.map(({ namespace = '', tag }) => formatName([namespace, tag])));
  for (const { copyStatement } of entries) {
    const table = copyStatement === undefined ? undefined : readCopy(Buffer.from(copyStatement))?.table;
    if (table !== undefined && !known.has(formatName(table))) throw storedElsewhere(formatName(table));
  }
}

function lacksRows(table: TocEntry, entries: readonly TocEntry[]): boolean {
  // The rows of a partitioned table are those of its partitions.
  if (table.desc === 'FOREIGN TABLE' || /\)\s*PARTITION BY /.test(table.definition)) return false;
  return !entries.some((entry) => entry.desc === 'TABLE DATA' && entry.hasData && isOf(entry, table));
}

function isOf(entry: TocEntry, table: TocEntry): boolean {
  return entry.tag === table.tag && entry.namespace === table.namespace;
}
