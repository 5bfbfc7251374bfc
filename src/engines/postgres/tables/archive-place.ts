import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { DbopsError } from '../../../core/errors.ts';
import type { PartInfo, PartSource } from '../../../core/ports/engine.ts';
import { scratchOf } from '../../../core/scratch-place.ts';
import { storageError } from '../../../platform/file-error.ts';
import { nameOf } from '../archive/entry-name.ts';
import { suffixes } from '../archive/member-file.ts';
import { memberNames } from '../archive/members.ts';
import { collectToc } from '../archive/toc-reader.ts';
import type { Toc, TocEntry } from '../archive/toc.ts';
import { readTocOf, type DumpContent } from '../restore/dump-content.ts';
import type { TableScriptRequest } from './table-script.ts';

/** An archive whose table of contents is known, and whose rest is fetched when it is known what of it is wanted. */
export interface ArchivePlace {
  readonly label: string;
  readonly toc: Toc;
  fetch(entries: readonly TocEntry[]): Promise<ArchiveInput>;
}

/** How pg_restore gets at an archive. */
export interface ArchiveInput {
  readonly args: readonly string[];
  readonly stdin: (() => Promise<Readable>) | undefined;
}

type Request = Pick<TableScriptRequest, 'scratch' | 'signal'>;

export async function locateArchive(
  parts: PartSource,
  content: Exclude<DumpContent, { readonly type: 'script' }>,
  request: Request,
): Promise<ArchivePlace> {
  if (content.type === 'tar') return locateTar(parts, content.part, request);
  const toc = await readTocOf(parts, content, request);
  if (toc === undefined) throw new Error('an archive without a table of contents');
  if (content.type === 'archive') {
    const { name } = content.part;
    const stdin = (): Promise<Readable> => parts.open(name, { signal: request.signal });
    return { label: name, toc, fetch: async () => ({ args: [], stdin }) };
  }
  return {
    label: content.toc.name,
    toc,
    fetch: async (entries) => {
      const folder = join(scratchOf(request), 'db');
      await mkdir(folder, { mode: 0o700 });
      const files = [content.toc, ...filesOf(entries, content.files)];
      for (const part of files) await fetchPart(parts, part, join(folder, basename(part.decodedName)), request);
      return { args: ['--format=directory', folder], stdin: undefined };
    },
  };
}

/** pg_restore jumps about in it, so it has to be a file. */
async function locateTar(parts: PartSource, part: PartInfo, request: Request): Promise<ArchivePlace> {
  const file = join(scratchOf(request), 'db.tar');
  await fetchPart(parts, part, file, request);
  const toc = await readTarToc(file, part.name);
  return { label: part.name, toc, fetch: async () => ({ args: ['--format=tar', file], stdin: undefined }) };
}

/** It is the first member, behind a header of one block. */
async function readTarToc(file: string, label: string): Promise<Toc> {
  const collector = collectToc();
  for await (const chunk of createReadStream(file, { start: 512 }) as AsyncIterable<Buffer>) {
    const found = collector.update(chunk);
    if (found !== undefined) return found.toc;
  }
  throw new DbopsError('DAMAGED', `${label} breaks off in its table of contents`, {
    hint: 'Use another backup, or make the dump again.',
  });
}

/** The files of these entries' rows, and no other. */
function filesOf(entries: readonly TocEntry[], files: readonly PartInfo[]): PartInfo[] {
  const byName = new Map(files.map((part) => [basename(part.decodedName), part]));
  return entries
    .filter(({ hasData }) => hasData)
    .map((entry) => {
      const names = memberNames(entry).flatMap((name) => suffixes.map((suffix) => name + suffix));
      const found = names.map((name) => byName.get(name)).find((part) => part !== undefined);
      if (found !== undefined) return found;
      throw new DbopsError('DAMAGED', `the file of ${nameOf(entry)} is missing`, {
        hint: 'Use another backup: see `dbops list`.',
      });
    });
}

async function fetchPart(parts: PartSource, { name }: PartInfo, file: string, { signal }: Request): Promise<void> {
  const source = await parts.open(name, { signal });
  try {
    await pipeline(source, createWriteStream(file, { flags: 'wx', mode: 0o600, highWaterMark: 1 << 20 }));
  } catch (error) {
    signal.throwIfAborted();
    throw storageError(error, `cannot write ${file}`);
  }
}
