import { Readable } from 'node:stream';
import { DETAILS_NAME, detailsOf, sealManifest, serializeDetails } from '../core/details.ts';
import type { Manifest } from '../core/manifest.ts';
import type { DumpPart } from '../core/ports/engine.ts';
import { readBack, storePart, type PartRequest } from './store-parts.ts';

/** Stores what tells of the content in an encrypted file of its own, and gives the manifest without it. */
export async function sealDetails(manifest: Manifest, stored: PartRequest, isReadBack: boolean): Promise<Manifest> {
  const bytes = serializeDetails(detailsOf(manifest));
  const part = await storePart(detailsPart(bytes), { ...stored, expectedBytes: bytes.length * 2 });
  if (isReadBack) await stored.destinations.each((destination) => readBack(part, destination, stored));
  return sealManifest(manifest, part);
}

/** The part that it becomes. */
export function detailsPart(bytes: Buffer): DumpPart {
  // Compressed, its length would tell what padding hides.
  return {
    name: DETAILS_NAME,
    source: { type: 'stream', stream: Readable.from([bytes], { objectMode: false }) },
    compressed: true,
  };
}
