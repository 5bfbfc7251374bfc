import type { PartSource } from '../../../core/ports/engine.ts';
import type { CallOptions } from '../../../core/ports/storage.ts';
import { parseTablePattern } from '../archive/table-pattern.ts';
import { readContent, readTocOf } from '../restore/dump-content.ts';

/** Patterns that fit no table in an archive's table of contents. A tar or plain SQL would have to be read whole. */
export async function unknownTables(
  parts: PartSource,
  tables: readonly string[],
  options: CallOptions,
): Promise<readonly string[]> {
  const patterns = tables.map(parseTablePattern);
  const toc = await readTocOf(parts, await readContent(parts, options), options);
  if (toc === undefined) return [];
  const known = toc.entries.filter(({ desc }) => ['TABLE', 'FOREIGN TABLE', 'TABLE DATA'].includes(desc));
  return patterns
    .filter((pattern) => !known.some(({ namespace, tag }) => pattern.matches(namespace, tag)))
    .map(({ text }) => text);
}
