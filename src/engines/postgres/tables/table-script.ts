import type { Readable } from 'node:stream';
import type { PartSource } from '../../../core/ports/engine.ts';
import type { CallOptions } from '../../../core/ports/storage.ts';
import type { Need } from '../archive/table-entries.ts';
import type { Toc } from '../archive/toc.ts';
import { showName } from '../facts/sql-text.ts';
import { readContent } from '../restore/dump-content.ts';
import { openArchiveTables } from './archive-tables.ts';
import { openScriptTables } from './script-tables.ts';

export interface TableName {
  readonly schema: string;
  readonly name: string;
}

/** What it takes to make tables of a backup again, as SQL for psql that nobody has judged yet. */
export interface TableScript {
  /** With their partitions, in the backup's order. */
  readonly tables: readonly TableName[];
  /** Those of which the backup has the definition alone. */
  readonly withoutRows: readonly TableName[];
  /** What has to be there before, as far as the backup tells. */
  readonly needs: readonly Need[];
  /** Of an archive: its header, and the entries of the tables. */
  readonly toc: Toc | undefined;
  /** Statements that attach partitions to tables which are not among these; to be run at the end. */
  readonly attachments: readonly string[];
  /** May be called once. */
  open(options: OpenOptions): Promise<Readable>;
}

export interface OpenOptions {
  /** With who owns the tables and who may use them; plain SQL is never given with those. */
  readonly rights: boolean;
}

export interface TableScriptRequest extends CallOptions {
  readonly tables: readonly string[];
  readonly scratch: string | undefined;
  readonly path: string | undefined;
  /** The only folder in which pg_restore is looked for. */
  readonly binDir: string | undefined;
}

/**
 * Finds tables in a backup of any format, by names and patterns as pg_dump takes them.
 * @throws DbopsError NOTHING_MATCHES, USAGE, DAMAGED; REFUSED where there are rows without a definition
 */
export async function openTableScript(parts: PartSource, request: TableScriptRequest): Promise<TableScript> {
  const content = await readContent(parts, request);
  return content.type === 'script'
    ? openScriptTables(parts, content.part, request)
    : openArchiveTables(parts, content, request);
}

export function labelOf({ schema, name }: TableName): string {
  return showName(schema, name);
}
