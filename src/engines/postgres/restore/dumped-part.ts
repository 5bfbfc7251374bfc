import type { DumpOptions } from '../../../core/dump-options.ts';
import { DbopsError } from '../../../core/errors.ts';
import type { Toc } from '../archive/toc.ts';
import type { Selection } from '../facts/selection.ts';
import type { OpenedDump } from './dump-content.ts';

/** True of a dump that may refer to what it does not hold. */
export function isPartial(dumped: DumpOptions = {}): boolean {
  const { tables, excludeTables, schemas, excludeSchemas } = dumped;
  return [tables, excludeTables, schemas, excludeSchemas].some((patterns) => patterns !== undefined);
}

/** What of a restored copy is compared with the facts of its dump: all that is in it, as far as such a dump goes. */
export function selectionInCopy(dumped: DumpOptions = {}): Selection {
  const { tables, schemas, excludeTableData, schemaOnly, blobs } = dumped;
  return {
    ...(tables === undefined ? {} : { tables: ['*.*'] }),
    ...(schemas === undefined ? {} : { schemas: ['*'] }),
    ...(excludeTableData === undefined ? {} : { excludeTableData }),
    ...(schemaOnly === undefined ? {} : { schemaOnly }),
    ...(blobs === false ? { noBlobs: true } : {}),
    ...(isPartial(dumped) ? { partial: true } : {}),
  };
}

/**
 * Rows without definitions have no place in an empty database.
 * @throws DbopsError USAGE
 */
export function refuseRowsAlone({ toc, content }: OpenedDump, dumped: DumpOptions | undefined): void {
  if (dumped?.dataOnly !== true && !(toc !== undefined && holdsRowsAlone(toc))) return;
  const name = content.type === 'directory' ? content.toc.name : content.part.name;
  const load =
    content.type === 'script'
      ? 'psql --single-transaction -v ON_ERROR_STOP=1 -f'
      : 'pg_restore --data-only --single-transaction -d <database>';
  throw new DbopsError('USAGE', `${name} holds rows without definitions: it cannot be restored into a new database`, {
    hint: `Prove it with --level structure. To load the rows into tables that are there, use PostgreSQL's own ${load}.`,
  });
}

function holdsRowsAlone({ entries }: Toc): boolean {
  return entries.some(({ desc }) => desc === 'TABLE DATA') && !entries.some(({ desc }) => definitions.test(desc));
}

const definitions = /^(TABLE|SCHEMA|FUNCTION|TYPE|VIEW|SEQUENCE|EXTENSION)$/;

/** Schemas that the entries of an archive stand in and that it does not make: a dump of single tables leaves them out. */
export function schemasToMake({ entries }: Toc): string[] {
  // What an extension makes must not be there before it.
  if (entries.some(({ desc }) => desc === 'SCHEMA' || desc === 'EXTENSION')) return [];
  const used = entries.flatMap(({ namespace }) => (namespace === undefined || namespace === '' ? [] : [namespace]));
  return [...new Set(used)].filter((name) => name !== 'public' && !name.startsWith('pg_'));
}
