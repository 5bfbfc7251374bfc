import { createWriteStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { PartInfo, PartSource, StageRequest } from '../../../core/ports/engine.ts';
import { storageError } from '../../../platform/file-error.ts';

type CopyRequest = Pick<StageRequest, 'signal' | 'onProgress'>;

/** Opens a part for reading, and reports what goes by. */
export async function openCounted(
  parts: PartSource,
  { name, bytes: total }: PartInfo,
  request: CopyRequest,
): Promise<Readable> {
  let bytes = 0;
  const source = await parts.open(name, request);
  source.on('data', (chunk: Buffer) => request.onProgress((bytes += chunk.length), total));
  source.pause();
  return source;
}

/** Writes a part into a new file that only this user may read. */
export async function writePart(parts: PartSource, part: PartInfo, file: string, request: CopyRequest): Promise<void> {
  const source = await openCounted(parts, part, request);
  try {
    await pipeline(source, createWriteStream(file, { flags: 'wx', mode: 0o600, highWaterMark: 1 << 20 }));
  } catch (error) {
    request.signal.throwIfAborted();
    throw storageError(error, `cannot write ${file}`);
  }
}
