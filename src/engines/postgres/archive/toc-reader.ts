import { Cursor, damaged, Incomplete } from './cursor.ts';
import { decodeUnknown, decoderOf, type Decode } from './encoding.ts';
import { readHeader, type Head } from './header.ts';
import { readEntry } from './toc-entry.ts';
import { tocLimits, type Toc, type TocEntry } from './toc.ts';

/**
 * Reads the table of contents at the start of an archive in custom format, or of a `toc.dat`; what follows it does not
 * matter. Source of the format: the archive versions 1.12 (pg_dump 9.0) to 1.16 (pg_dump 17 and 18).
 * @throws DbopsError DAMAGED when it is none, or not whole; SOURCE_REFUSED when its version is not known.
 */
export function readToc(bytes: Uint8Array): Toc {
  const collector = collectToc();
  collector.update(bytes);
  return collector.finish().toc;
}

/** A table of contents and what its reader learned besides. */
export interface CollectedToc extends Head {
  readonly toc: Toc;
  /** What follows the table of contents in what was given so far. */
  readonly rest: Buffer;
  /** Where that begins, in bytes from the start of the archive. */
  readonly end: number;
}

export interface TocCollector {
  /** Gives the table of contents with the chunk that completes it; nothing may be given after that. Throws as `readToc`. */
  update(chunk: Uint8Array): CollectedToc | undefined;
  /** The table of contents when there are no more chunks. Throws as `readToc`. */
  finish(): CollectedToc;
}

/** Reads a table of contents while its bytes arrive, in time linear to them. */
export function collectToc(): TocCollector {
  const progress: Progress = { head: undefined, count: undefined, entries: [], ids: new Set(), decode: decodeUnknown };
  let held: Buffer[] = [];
  let heldBytes = 0;
  let wanted = 0;
  let read = 0;
  const advance = (): CollectedToc | undefined => {
    const cursor = new Cursor(held.length === 1 && held[0] !== undefined ? held[0] : Buffer.concat(held));
    const missing = readOn(cursor, progress);
    const rest = cursor.rest();
    read += cursor.at;
    [held, heldBytes] = [[rest], rest.length];
    if (missing === 0) return { ...result(progress), rest, end: read };
    // Twice as much as there was: an entry whose end is far must not be read again with every chunk.
    wanted = Math.max(rest.length + missing, 2 * rest.length);
    return undefined;
  };
  return {
    update: (chunk) => {
      held.push(Buffer.from(chunk));
      heldBytes += chunk.length;
      if (read + heldBytes > tocLimits.bytes + chunk.length) throw damaged('its table of contents is absurdly large');
      return heldBytes < wanted ? undefined : advance();
    },
    finish: () => {
      if (read + heldBytes === 0) throw damaged('it is empty');
      const collected = advance();
      if (collected === undefined) throw damaged('it breaks off in its table of contents');
      return collected;
    },
  };
}

interface Progress {
  head: Head | undefined;
  count: number | undefined;
  readonly entries: TocEntry[];
  readonly ids: Set<number>;
  decode: Decode;
}

/** Reads whole pieces and leaves the cursor behind the last of them; gives the bytes that lack for one more. */
function readOn(cursor: Cursor, progress: Progress): number {
  let whole = cursor.at;
  try {
    while (!isDone(progress)) {
      readPiece(cursor, progress);
      whole = cursor.at;
    }
    return 0;
  } catch (error) {
    if (!(error instanceof Incomplete)) throw error;
    const missing = error.wanted - cursor.length;
    cursor.at = whole;
    return missing;
  }
}

function isDone({ count, entries }: Progress): boolean {
  return count !== undefined && entries.length === count;
}

function readPiece(cursor: Cursor, progress: Progress): void {
  if (progress.head === undefined) {
    progress.head = readHeader(cursor);
    return;
  }
  const { layout } = progress.head;
  if (progress.count === undefined) {
    progress.count = readCount(cursor.integer(layout.intBytes));
    return;
  }
  const entry = readEntry(cursor, layout, progress.decode);
  if (progress.ids.has(entry.dumpId)) throw damaged(`two of its entries have the dump id ${entry.dumpId}`);
  progress.ids.add(entry.dumpId);
  progress.entries.push(entry);
  if (entry.desc === 'ENCODING') progress.decode = decoderOf(entry.definition);
}

function readCount(count: number): number {
  if (count >= 0 && count <= tocLimits.entries) return count;
  throw damaged(`a table of contents of ${count} entries is absurd`);
}

function result({ head, entries }: Progress): Head & { readonly toc: Toc } {
  if (head === undefined) throw new Error('a table of contents is whole without its header');
  return { ...head, toc: { header: head.header, entries } };
}
