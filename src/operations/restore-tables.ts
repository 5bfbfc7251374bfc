import { compactTime } from '../core/ids.ts';
import type { DatabaseAddress, TableRestoreResult } from '../core/ports/engine.ts';
import type { Ports } from './ports.ts';
import type { Restorable } from './restorable.ts';
import { openScratchPlace } from './scratch-place.ts';

export interface TablesRequest {
  readonly subject: Restorable;
  readonly tables: readonly string[];
  readonly signal: AbortSignal;
}

export interface RestoreTablesRequest extends TablesRequest {
  readonly destination: DatabaseAddress;
  /** Replace tables that exist; the whole database is kept beside it first. */
  readonly overwrite: boolean;
  /** Where large temporary files go when the destination is on another machine. */
  readonly scratchParent?: string;
}

/** Brings single tables back into a database, in one transaction of that database. */
export async function restoreTables(request: RestoreTablesRequest, ports: Ports): Promise<TableRestoreResult> {
  const { subject, destination, tables, overwrite, signal } = request;
  const into = destination.location;
  const startedAt = ports.clock.now();
  ports.reporter.report({ type: 'restore.started', from: subject.label, into });
  const state = await subject.engine.survey(destination, { signal });
  const parent = state.scratchParent ?? request.scratchParent;
  await using place = await openScratchPlace(subject.encrypted, parent, ports);
  const stamp = compactTime(startedAt);
  const result = await subject.engine.restoreTables(subject.parts, destination, {
    tables,
    overwrite,
    stamp,
    scratch: place.scratch,
    signal,
  });
  finish(result, into, startedAt, ports);
  return result;
}

export interface ExportTablesRequest extends TablesRequest {
  /** Must not exist. */
  readonly file: string;
  readonly scratchParent: string;
}

/** Writes single tables as SQL that people can review. */
export async function exportTables(request: ExportTablesRequest, ports: Ports): Promise<TableRestoreResult> {
  const { subject, tables, file, scratchParent, signal } = request;
  const startedAt = ports.clock.now();
  ports.reporter.report({ type: 'restore.started', from: subject.label, into: file });
  await using scratch = await ports.openScratch(scratchParent);
  const taken = subject.stored?.backup.manifest.finishedAt;
  const result = await subject.engine.exportTables(subject.parts, file, {
    tables,
    comments: [
      `${tables.join(', ')} from ${subject.label}${taken === undefined ? '' : `, backed up ${taken}`}, by dbops`,
    ],
    scratch: scratch.folder,
    signal,
  });
  finish(result, file, startedAt, ports);
  return result;
}

function finish({ kept, warnings }: TableRestoreResult, into: string, startedAt: Date, ports: Ports): void {
  for (const message of warnings) ports.reporter.report({ type: 'warning', subject: into, message });
  const durationMs = ports.clock.now().getTime() - startedAt.getTime();
  ports.reporter.report({ type: 'restore.finished', into, kept, durationMs });
}
