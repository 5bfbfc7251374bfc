import { printable } from './entry-name.ts';
import type { TocEntry } from './toc.ts';

/** Looks at the content of one file of a directory or tar archive, decompressed. */
export interface MemberWatch {
  update(chunk: Uint8Array): void;
  /** Why the bytes so far cannot be all of the file. */
  problem(): string | undefined;
}

/** The names that the file of an entry's data may have, without a compressor's suffix. */
export function memberNames({ desc, dumpId }: TocEntry): readonly string[] {
  // One list of all large objects, until pg_dump 17 began to write several.
  return desc === 'BLOBS' ? [`blobs_${dumpId}.toc`, 'blobs.toc'] : [`${dumpId}.dat`];
}

/** @param onBlob is given the file of each large object that a list of them names. */
export function watchMember(entry: TocEntry, onBlob: (name: string) => void): MemberWatch {
  if (entry.desc === 'BLOBS') return watchBlobList(onBlob);
  return watchEnding(entry.copyStatement === undefined ? ['\n\n'] : ['\n\\.\n\n\n']);
}

/** For what may hold anything. */
export const unwatched: MemberWatch = { update: () => undefined, problem: () => undefined };

/** COPY ends with its own mark; INSERT statements (pg_dump --inserts) at least with empty lines. */
function watchEnding(endings: readonly string[]): MemberWatch {
  // An empty table has nothing before its mark.
  let tail = '\n';
  return {
    update: (chunk) => {
      tail = (tail + Buffer.from(chunk.subarray(-8)).toString('latin1')).slice(-8);
    },
    problem: () => (endings.some((ending) => tail.endsWith(ending)) ? undefined : 'it breaks off before its end'),
  };
}

const longestLine = 64;

/** Lines of an object's id and its file: `16553 blob_16553.dat`. */
function watchBlobList(onBlob: (name: string) => void): MemberWatch {
  let line = '';
  let wrong: string | undefined;
  const readLine = (text: string): void => {
    const [, id, name, of] = /^(\d{1,10}) (blob_(\d{1,10})\.dat)$/.exec(text) ?? [];
    if (name === undefined || id !== of) wrong ??= `it has an impossible line: ${printable(text)}`;
    else onBlob(name);
  };
  return {
    update: (chunk) => {
      if (wrong !== undefined) return;
      const lines = (line + Buffer.from(chunk).toString('latin1')).split('\n');
      line = lines.pop() ?? '';
      for (const text of lines) readLine(text);
      if (line.length > longestLine) wrong ??= 'it has a line that never ends';
    },
    problem: () => wrong ?? (line === '' ? undefined : 'it breaks off in the middle of a line'),
  };
}
