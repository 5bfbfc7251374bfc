import { stat } from 'node:fs/promises';
import { DbopsError } from '../../core/errors.ts';
import type { Inspection, PartSource } from '../../core/ports/engine.ts';
import type { CallOptions } from '../../core/ports/storage.ts';
import { HEADER_BYTES, parseHeader } from './header.ts';

/** Reads the part once: its header must be SQLite's, and its length what the header says. */
export async function inspect(
  source: PartSource,
  _depth: Inspection,
  options: CallOptions,
): Promise<readonly string[]> {
  const [part] = source.parts;
  if (part === undefined) return ['the backup has no database file'];
  let head = Buffer.alloc(0);
  let bytes = 0;
  for await (const chunk of (await source.open(part.name, options)) as AsyncIterable<Buffer>) {
    if (head.length < HEADER_BYTES) head = Buffer.concat([head, chunk.subarray(0, HEADER_BYTES - head.length)]);
    bytes += chunk.length;
  }
  return problemsOf(head, bytes).map((problem) => `${part.name}: ${problem}`);
}

function problemsOf(head: Buffer, bytes: number): string[] {
  const header = parseHeader(head);
  if (header === undefined) return ['not an SQLite database'];
  const expected = header.pages * header.pageSize;
  return expected === 0 || expected === bytes ? [] : [`${bytes} bytes where its header says ${expected}`];
}

/** A log or journal beside the file holds part of its content: the file alone is older than it, or torn. */
export async function refuseIncomplete(file: string): Promise<void> {
  for (const suffix of ['-wal', '-journal']) {
    const info = await stat(file + suffix).catch(() => undefined);
    if (info === undefined || info.size === 0) continue;
    throw new DbopsError('REFUSED', `${file}${suffix} stands beside the file and holds a part of it`, {
      hint: `Make one whole file of both first: dbops backup 'sqlite:${file}', then restore that backup.`,
    });
  }
}
