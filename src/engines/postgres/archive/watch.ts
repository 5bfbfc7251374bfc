import { DbopsError } from '../../../core/errors.ts';
import { damaged } from './cursor.ts';
import { followBlocks, type Block } from './data-blocks.ts';
import { nameOf } from './entry-name.ts';
import type { StepFollower } from './steps.ts';
import { collectToc, type CollectedToc } from './toc-reader.ts';
import type { Toc, TocEntry } from './toc.ts';

/** Looks at an archive in custom format on its way: at what pg_restore only finds out while it restores. */
export interface ArchiveWatch {
  /** Costs next to nothing; nothing of `chunk` is kept once the table of contents is whole. */
  update(chunk: Uint8Array): void;
  /** Why the bytes so far cannot be a whole archive, in one line; undefined when nothing speaks against it. */
  problem(): string | undefined;
  /** The same as one line for each problem. */
  problems(): readonly string[];
  /** @throws DbopsError as `readToc`. */
  toc(): Toc;
}

/**
 * Follows the table of contents and the data blocks: a data block must be there for each entry that has data, once, and
 * nothing else. What the blocks hold is not decompressed.
 */
export function watchArchive(): ArchiveWatch {
  const collector = collectToc();
  let collected: CollectedToc | undefined;
  let refused: DbopsError | undefined;
  let blocks: StepFollower | undefined;
  const missing = new Map<number, TocEntry>();

  const attempt = (read: () => CollectedToc | undefined): void => {
    try {
      collected = read();
    } catch (error) {
      if (!(error instanceof DbopsError)) throw error;
      refused = error;
    }
    if (collected === undefined) return;
    refused = refuseOtherFormats(collected);
    const known = new Map(collected.toc.entries.map((entry) => [entry.dumpId, entry]));
    for (const entry of known.values()) if (entry.hasData) missing.set(entry.dumpId, entry);
    blocks = followBlocks(collected.layout, collected.end, (block) => {
      const wrong = misplaced(known.get(block.dumpId), missing, block);
      missing.delete(block.dumpId);
      return wrong;
    });
    blocks.update(collected.rest);
  };
  const problems = (): readonly string[] => {
    if (collected === undefined && refused === undefined) attempt(() => collector.finish());
    if (refused !== undefined) return [refused.message];
    const broken = blocks?.problem();
    return broken === undefined ? [...missing.values()].map(describeMissing) : [broken];
  };
  return {
    update: (chunk) => {
      if (blocks !== undefined) blocks.update(chunk);
      else if (refused === undefined) attempt(() => collector.update(chunk));
    },
    problem: () => summary(problems()),
    problems,
    toc: () => {
      problems();
      if (collected !== undefined) return collected.toc;
      throw refused ?? damaged('it is empty');
    },
  };
}

function refuseOtherFormats({ header }: CollectedToc): DbopsError | undefined {
  return header.format === 'custom' ? undefined : damaged(`it is an archive in ${header.format} format, not custom`);
}

function misplaced(
  entry: TocEntry | undefined,
  missing: ReadonlyMap<number, TocEntry>,
  { type, dumpId, at }: Block,
): string | undefined {
  if (entry === undefined || !entry.hasData) return `the data block at byte ${at} is of ${dumpId}, which has no data`;
  if (!missing.has(dumpId)) return `the data of ${nameOf(entry)} is there twice`;
  if ((entry.desc === 'BLOBS') !== (type === 'blobs')) return `the data of ${nameOf(entry)} is of the wrong kind`;
  if (entry.offset === undefined || entry.offset === at) return undefined;
  return `the data of ${nameOf(entry)} is at byte ${at} instead of ${entry.offset}`;
}

function describeMissing(entry: TocEntry): string {
  return `the data of ${nameOf(entry)} is missing`;
}

function summary(problems: readonly string[]): string | undefined {
  return problems.length > 1 ? `${problems[0]}, and ${problems.length - 1} more` : problems[0];
}
