import { basename } from 'node:path';
import type { Readable } from 'node:stream';
import { DbopsError } from '../../../core/errors.ts';
import type { PartInfo, PartSource } from '../../../core/ports/engine.ts';
import type { CallOptions } from '../../../core/ports/storage.ts';
import { collectToc } from '../archive/toc-reader.ts';
import type { Toc } from '../archive/toc.ts';
import { kindOf } from '../recognise.ts';

/** What a backup of PostgreSQL consists of, read off its content and not off names. */
export type DumpContent =
  | { readonly type: 'archive'; readonly part: PartInfo; readonly globals: PartInfo | undefined }
  | { readonly type: 'tar'; readonly part: PartInfo; readonly globals: PartInfo | undefined }
  | {
      readonly type: 'script';
      readonly part: PartInfo;
      readonly globals: PartInfo | undefined;
      /** The encoding that its first statements set. */
      readonly encoding: string | undefined;
    }
  | {
      readonly type: 'directory';
      readonly toc: PartInfo;
      readonly files: readonly PartInfo[];
      readonly globals: PartInfo | undefined;
    };

const GLOBALS_NAME = 'globals.sql';
const TOC_NAME = 'toc.dat';

/** A backup that was opened, and what it says of itself. */
export interface OpenedDump {
  readonly parts: PartSource;
  readonly content: DumpContent;
  readonly toc: Toc | undefined;
}

/** @throws DbopsError DAMAGED when there is nothing that a dump would begin with */
export async function readContent(parts: PartSource, options: CallOptions): Promise<DumpContent> {
  const globals = parts.parts.find(({ decodedName }) => decodedName === GLOBALS_NAME);
  const own = parts.parts.filter((part) => part !== globals);
  const toc = own.find(({ decodedName }) => basename(decodedName) === TOC_NAME);
  if (toc !== undefined) return { type: 'directory', toc, files: own, globals };
  const [part] = own;
  if (part === undefined) throw damaged('the backup has no dump in it');
  const head = await readHead(parts, part, options);
  const type = kindOf(head);
  if (type === undefined) throw damaged(`${part.name} is no dump of PostgreSQL`);
  const encoding = type === 'script' ? encodingOf(head) : undefined;
  return { type, part, globals, encoding };
}

/** Reads no further than the table of contents goes; undefined for plain SQL, which has none. */
export async function readTocOf(
  parts: PartSource,
  content: DumpContent,
  options: CallOptions,
): Promise<Toc | undefined> {
  if (content.type === 'script' || content.type === 'tar') return undefined;
  const part = content.type === 'directory' ? content.toc : content.part;
  const collector = collectToc();
  const found = await untilFound(parts, part, options, (chunk) => collector.update(chunk));
  return (found ?? collector.finish()).toc;
}

/** pg_dump sets it to that of the database, before anything is made. */
function encodingOf(head: Buffer): string | undefined {
  return /^SET client_encoding = '([A-Za-z0-9_]{1,40})';$/m.exec(head.toString('latin1'))?.[1];
}

async function readHead(parts: PartSource, part: PartInfo, options: CallOptions): Promise<Buffer> {
  const wanted = 4_096;
  let head = Buffer.alloc(0);
  await untilFound(parts, part, options, (chunk) => {
    head = Buffer.concat([head, chunk.subarray(0, wanted)]);
    return head.length >= wanted ? head : undefined;
  });
  return head;
}

/** Reads a part piece by piece until somebody has what was looked for, and no further. */
async function untilFound<T>(
  parts: PartSource,
  { name }: PartInfo,
  options: CallOptions,
  look: (chunk: Buffer) => T | undefined,
): Promise<T | undefined> {
  const stop = new AbortController();
  const stream: Readable = await parts.open(name, { signal: AbortSignal.any([options.signal, stop.signal]) });
  // The programs behind it complain of being stopped.
  stream.on('error', () => undefined);
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      const found = look(chunk);
      if (found !== undefined) return found;
    }
    return undefined;
  } finally {
    stop.abort();
  }
}

function damaged(message: string): DbopsError {
  return new DbopsError('DAMAGED', message, { hint: 'Use another backup: see `dbops list`.' });
}
