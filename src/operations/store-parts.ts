import { Readable } from 'node:stream';
import type { Activity } from '../core/events.ts';
import { keyIn, parseObjectKey, type ObjectKey } from '../core/ids.ts';
import type { Part } from '../core/manifest.ts';
import type { DumpPart } from '../core/ports/engine.ts';
import type { CallOptions, PutOptions, Storage } from '../core/ports/storage.ts';
import { measureStream } from '../streams/meter.ts';
import { tee } from '../streams/tee.ts';
import type { DestinationRequest, Destinations } from './destinations.ts';
import { codecsOf, encodePart, type Wrapping } from './encode.ts';
import { otherBytes } from './other-bytes.ts';

export interface PartRequest extends CallOptions {
  readonly destinations: Destinations;
  /** The backup's folder, the same in every storage. */
  readonly prefix: string;
  readonly wrapping: Wrapping;
  /** About how many bytes will be stored. */
  readonly expectedBytes: number;
  readonly onProgress: (activity: Activity, bytes: number) => void;
}

/** Stores one part through its codecs in every destination. Resolves when it is durable there, with both digests. */
export async function storePart(part: DumpPart, request: PartRequest): Promise<Part> {
  const { prefix, wrapping, signal, onProgress } = request;
  const name = parseObjectKey(nameStored(part, wrapping));
  const encoded = await encodePart(part, wrapping, (bytes) => onProgress('store', bytes), signal);
  await putEverywhere(keyIn(prefix, name), encoded.stream, request);
  const { raw, stored } = await encoded.finish();
  return {
    name,
    ...stored,
    ...(raw === undefined ? {} : { raw }),
    codecs: codecsOf(part, wrapping).map(({ id, settings }) => ({ id, ...settings })),
  };
}

/** One pass over the bytes, whatever the number of storages. */
async function putEverywhere(key: ObjectKey, body: Readable, request: PartRequest): Promise<void> {
  const { destinations, expectedBytes, signal } = request;
  const remaining = destinations.remaining();
  const branches = new Map(tee(body, remaining.length).map((branch, index) => [remaining[index], branch]));
  await destinations.each(async (destination) => {
    const { storage, lockUntil } = destination;
    const branch = branches.get(destination) ?? body;
    try {
      const lock = lockUntil === undefined ? {} : { lockUntil };
      await storage.put(key, branch, { signal, ifAbsent: true, expectedBytes, ...lock });
    } catch (error) {
      // One that reads no more must not hold up the others.
      branch.destroy();
      throw error;
    }
  });
}

/** The name of a part's object in a storage. */
export function nameStored(part: DumpPart, wrapping: Wrapping): string {
  return (
    part.name +
    codecsOf(part, wrapping)
      .map(({ suffix }) => suffix)
      .join('')
  );
}

/**
 * Reads a stored part back and compares it with what was sent.
 * @throws DbopsError VERIFY_FAILED
 */
export async function readBack(
  part: Part,
  { storage }: DestinationRequest,
  { prefix, signal, onProgress }: PartRequest,
): Promise<void> {
  const key = keyIn(prefix, part.name);
  const found = await measureStream(await storage.get(key, { signal }), (bytes) => onProgress('read back', bytes));
  if (found.bytes === part.bytes && found.sha256 === part.sha256) return;
  throw otherBytes(key, storage);
}

/** Stores a small object. */
export async function putBytes(
  storage: Storage,
  key: ReturnType<typeof keyIn>,
  bytes: Buffer,
  options: PutOptions,
): Promise<void> {
  await storage.put(key, Readable.from([bytes], { objectMode: false }), options);
}
