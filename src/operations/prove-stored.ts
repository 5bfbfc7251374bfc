import { DbopsError, hasCode } from '../core/errors.ts';
import type { Part } from '../core/manifest.ts';
import type { Codec } from '../core/ports/codec.ts';
import type { Dump, Inspection, PartSource } from '../core/ports/engine.ts';
import type { BackupRequest } from './backup-request.ts';
import { openFiles } from './encode.ts';
import type { Ports } from './ports.ts';
import { openParts } from './read-parts.ts';
import { readBack, type PartRequest } from './store-parts.ts';

/**
 * Reads back what every storage holds, before anything of it is published. What is encrypted for somebody who is not here
 * is compared by its digests; it was looked at before.
 * @throws DbopsError VERIFY_FAILED when what was dumped is not whole; another one when no storage gives back what it got
 */
export async function proveStored(
  parts: readonly Part[],
  dump: Dump,
  stored: PartRequest,
  request: BackupRequest,
  ports: Ports,
): Promise<void> {
  const { destinations, prefix, wrapping } = stored;
  const wanted = await depthFor(dump, wrapping.compression);
  const depth = wrapping.unseen ? undefined : wanted;
  // Whoever inspects all of it reads every byte back.
  if (depth !== 'whole' || destinations.remaining().length > 1) {
    await destinations.each(async (destination) => {
      for (const part of parts) await readBack(part, destination, stored);
    });
  }
  if (wrapping.unseen && wanted !== undefined) await inspectFiles(dump, wanted, request);
  if (depth === undefined) return;
  // The bytes are the same everywhere, so it is enough to look into one storage that gives them.
  for (const reader of destinations.remaining()) {
    try {
      return await inspectStored(openParts(reader.storage, prefix, parts, ports.codecs), depth, request);
    } catch (error) {
      if (!hasCode(error, 'STORAGE_FAILED') && !hasCode(error, 'OBJECT_MISSING')) throw error;
      destinations.fail(reader, error);
    }
  }
}

/** What went through a program that may have lost some of it is inspected as a whole. */
export async function depthFor({ inspection, parts }: Dump, codec: Codec | undefined): Promise<Inspection | undefined> {
  if (inspection !== 'contents' || codec === undefined) return inspection;
  const encoded = parts.some(({ compressed }) => compressed !== true);
  return encoded && !(await codec.isSure()) ? 'whole' : inspection;
}

/** What was collected in files is looked at there; what was streamed was followed on its way. */
async function inspectFiles(dump: Dump, depth: Inspection, request: BackupRequest): Promise<void> {
  const files = openFiles(dump.parts);
  if (files.parts.length > 0) await inspectStored(files, depth, request);
}

async function inspectStored(parts: PartSource, depth: Inspection, { engine, signal }: BackupRequest): Promise<void> {
  const problems = await engine.inspect(parts, depth, { signal });
  if (problems.length === 0) return;
  throw new DbopsError('VERIFY_FAILED', `what was stored is not a whole backup: ${problems.join('; ')}`, {
    hint: 'Nothing was published. Check the programs that made it and the disk, then run the backup again.',
  });
}
