import type { Readable } from 'node:stream';
import { DbopsError } from '../../../core/errors.ts';
import type { Inspection } from './inspection.ts';
import type { Toc } from './toc.ts';
import { watchArchive, type ArchiveWatch } from './watch.ts';

/** Reads a whole archive in custom format (`pg_dump -Fc`) as `watchArchive` does. Rejects when the stream fails. */
export async function inspectCustom(stream: Readable): Promise<Inspection> {
  const watch = watchArchive();
  for await (const chunk of stream as AsyncIterable<Buffer>) watch.update(chunk);
  return { toc: tocOf(watch), problems: watch.problems() };
}

function tocOf(watch: ArchiveWatch): Toc | undefined {
  try {
    return watch.toc();
  } catch (error) {
    if (error instanceof DbopsError) return undefined;
    throw error;
  }
}
