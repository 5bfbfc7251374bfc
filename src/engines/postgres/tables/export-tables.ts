import { join } from 'node:path';
import { Readable } from 'node:stream';
import { DbopsError, hasCode } from '../../../core/errors.ts';
import type { ExportRequest, PartSource, TableRestoreResult } from '../../../core/ports/engine.ts';
import { scratchOf } from '../../../core/scratch-place.ts';
import { formatName } from '../../../core/sql/names.ts';
import { writeDurably } from '../../../platform/durable-file.ts';
import type { EngineHost } from '../../engine-driver.ts';
import { watchSql, type WatchedSql } from './sql-stream.ts';
import { labelOf, openTableScript, type TableName } from './table-script.ts';

const howToReplay = 'replay it with: psql -X -v ON_ERROR_STOP=1 -f THIS DATABASE';

/** Writes tables as SQL that psql replays in one transaction; the file appears whole or not at all. */
export async function exportTables(
  parts: PartSource,
  file: string,
  request: ExportRequest,
  host: EngineHost,
): Promise<TableRestoreResult> {
  const script = await openTableScript(parts, { ...request, path: host.environment['PATH'], binDir: undefined });
  const sql = watchSql(await script.open({ rights: false }), {
    tables: script.toc === undefined ? undefined : script.tables,
  });
  const comments = [...request.comments, howToReplay];
  try {
    await writeDurably({
      temporary: join(scratchOf(request), 'tables.sql'),
      path: file,
      body: Readable.from(framed(sql.stream, comments), { objectMode: false }),
      ifAbsent: true,
      signal: request.signal,
    });
  } catch (error) {
    if (!hasCode(error, 'OBJECT_EXISTS')) throw error;
    throw new DbopsError('REFUSED', `${file} exists already`, {
      hint: 'Name a new file, or move that one away first.',
      cause: error,
    });
  }
  return {
    tables: countWritten(script.tables, sql),
    kept: undefined,
    warnings: script.withoutRows.map((table) => `the backup has no rows of ${labelOf(table)}`),
  };
}

async function* framed(sql: Readable, comments: readonly string[]): AsyncGenerator<Buffer> {
  yield Buffer.from(comments.map((comment) => `-- ${comment.replaceAll(/[\r\n]+/g, ' ')}\n`).join(''));
  yield Buffer.from('BEGIN;\n');
  yield* sql as AsyncIterable<Buffer>;
  yield Buffer.from('COMMIT;\n');
}

/** Partitions count with their tables. */
function countWritten(tables: readonly TableName[], sql: WatchedSql): TableRestoreResult['tables'] {
  const [rows, parents] = [sql.rows(), sql.parents()];
  const keys = new Map(tables.map((table) => [formatName([table.schema, table.name]), table]));
  const total = (key: string): number =>
    [...keys.keys()]
      .filter((other) => parents.get(other) === key)
      .reduce((sum, other) => sum + total(other), rows.get(key) ?? 0);
  return [...keys]
    .filter(([key]) => !keys.has(parents.get(key) ?? ''))
    .map(([key, table]) => ({ name: labelOf(table), rows: total(key) }));
}
