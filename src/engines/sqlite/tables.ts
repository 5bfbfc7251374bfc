import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DbopsError, hasCode } from '../../core/errors.ts';
import type {
  DatabaseAddress,
  ExportRequest,
  PartSource,
  ScratchPlace,
  TableRestoreRequest,
  TableRestoreResult,
  UnknownTablesOptions,
} from '../../core/ports/engine.ts';
import type { CallOptions } from '../../core/ports/storage.ts';
import { scratchOf } from '../../core/scratch-place.ts';
import { startAgent } from './agent-client.ts';
import type { TablesOutput } from './jobs/job.ts';
import { placeFree } from './jobs/keep-file.ts';
import { nameSource, resolveDestination, writeFirstPart } from './stage.ts';

/** Restores single tables: out of a staged copy into the destination, which is made when it does not exist. */
export async function restoreTables(
  parts: PartSource,
  destination: DatabaseAddress,
  request: TableRestoreRequest,
): Promise<TableRestoreResult> {
  const from = await writeCopy(parts, request);
  const path = await resolveDestination(destination.location);
  const exists = (await stat(path).catch(() => undefined)) !== undefined;
  const into = exists ? path : join(scratchOf(request), 'tables.db');
  if (!exists) await writeFile(into, '', { flag: 'wx', mode: 0o600 });
  await using agent = startAgent(request.signal);
  const copying = agent.run('copyTables', {
    from,
    into,
    tables: request.tables,
    overwrite: request.overwrite,
    keepAs: `${path}.pre-restore.${request.stamp}`,
    keepVia: join(scratchOf(request), 'kept.db'),
    lockTimeoutMs: destination.lockTimeoutMs,
  });
  const result = await copying.catch((error: unknown) => nameSource(error, from, parts));
  if (!exists) {
    const place = { staged: into, destination: path, keepAs: '', wal: false, allowOpen: false };
    await agent.run('promote', { ...place, used: false, lockTimeoutMs: 0 });
  }
  return publicResult(result);
}

/** Writes tables as SQL; the file appears whole or not at all. */
export async function exportTables(
  parts: PartSource,
  file: string,
  request: ExportRequest,
): Promise<TableRestoreResult> {
  const from = await writeCopy(parts, request);
  const script = join(scratchOf(request), 'tables.sql');
  await using agent = startAgent(request.signal);
  const { tables, comments } = request;
  const exporting = agent
    .run('settle', { path: from })
    .then(() => agent.run('exportTables', { from, tables, file: script, comments }));
  const result = await exporting.catch((error: unknown) => nameSource(error, from, parts));
  place(script, file);
  return publicResult(result);
}

/** Names that are not on record, in whatever case. */
export async function unknownTables(
  _parts: PartSource,
  tables: readonly string[],
  { recorded }: UnknownTablesOptions,
): Promise<readonly string[]> {
  const known = recorded?.tables.map(({ name }) => name.toLowerCase()) ?? [];
  return known.length === 0 ? [] : tables.filter((table) => !known.includes(table.toLowerCase()));
}

async function writeCopy(parts: PartSource, request: ScratchPlace & CallOptions): Promise<string> {
  const from = join(scratchOf(request), 'backup.db');
  await writeFirstPart(parts, from, { ...request, onProgress: () => undefined });
  return from;
}

function place(script: string, file: string): void {
  try {
    placeFree(script, file);
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error;
    throw new DbopsError('REFUSED', `${file} exists already`, {
      hint: 'Name a new file, or move that one away first.',
    });
  }
}

function publicResult({ tables, kept, warnings }: TablesOutput): TableRestoreResult {
  return { tables, kept: kept ?? undefined, warnings };
}
