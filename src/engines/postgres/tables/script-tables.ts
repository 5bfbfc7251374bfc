import { PassThrough, type Readable } from 'node:stream';
import { DbopsError } from '../../../core/errors.ts';
import type { PartInfo, PartSource } from '../../../core/ports/engine.ts';
import { formatName } from '../../../core/sql/names.ts';
import { parseTablePattern } from '../archive/table-pattern.ts';
import { extractTables } from '../script/extract.ts';
import { surveyScript, type ScriptSurvey } from './script-survey.ts';
import { storedElsewhere } from './sql-stream.ts';
import type { TableName, TableScript, TableScriptRequest } from './table-script.ts';

/** Tables of plain SQL. It is read twice: which partitions a table has, stands anywhere in it. */
export async function openScriptTables(
  parts: PartSource,
  part: PartInfo,
  request: TableScriptRequest,
): Promise<TableScript> {
  const survey = await surveyScript(await parts.open(part.name, request));
  const tables = chooseTables(survey, request.tables, part.name);
  return {
    tables,
    withoutRows: tables.filter((table) => survey.lacksRows(table)),
    needs: [],
    toc: undefined,
    attachments: survey.attachmentsOf(tables),
    open: async () => extract(await parts.open(part.name, request), tables),
  };
}

function chooseTables(survey: ScriptSurvey, wanted: readonly string[], label: string): readonly TableName[] {
  const found = wanted.map(parseTablePattern).flatMap((pattern) => {
    const matching = survey.tables.filter(({ schema, name }) => pattern.matches(schema, name));
    if (matching.length > 0) return matching;
    throw new DbopsError('NOTHING_MATCHES', `${label} has no table ${pattern.text}`, {
      hint: 'A name that is not quoted is folded to lower case.',
    });
  });
  const chosen = new Set(found);
  // A set gives what is added to it while one goes through it.
  for (const table of chosen) for (const partition of survey.partitionsOf(table)) chosen.add(partition);
  for (const table of chosen) {
    const above = survey.filledAbove(table);
    if (above !== undefined && !chosen.has(above)) throw storedElsewhere(formatName([above.schema, above.name]));
  }
  return survey.tables.filter((table) => chosen.has(table));
}

function extract(source: Readable, tables: readonly TableName[]): Readable {
  const sink = new PassThrough({ highWaterMark: 1 << 18 });
  const names = tables.map(({ schema, name }) => formatName([schema, name]));
  extractTables(source, names, sink, { rights: false }).then(
    () => sink.end(),
    (error: unknown) => sink.destroy(error instanceof Error ? error : new Error(String(error))),
  );
  sink.once('close', () => source.destroy());
  return sink;
}
