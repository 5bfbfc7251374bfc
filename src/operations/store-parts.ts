import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { DbopsError, messageOf } from '../core/errors.ts';
import type { Activity } from '../core/events.ts';
import { keyIn, parseObjectKey, type ObjectKey } from '../core/ids.ts';
import type { Part } from '../core/manifest.ts';
import type { ByteSource, Codec } from '../core/ports/codec.ts';
import type { DumpPart } from '../core/ports/engine.ts';
import type { CallOptions, PutOptions, Storage } from '../core/ports/storage.ts';
import { createMeter, measureFile, measureStream, type Measure, type Meter } from '../streams/meter.ts';
import { tee } from '../streams/tee.ts';
import type { DestinationRequest, Destinations } from './destinations.ts';

export interface PartRequest extends CallOptions {
  readonly destinations: Destinations;
  /** The backup's folder, the same in every storage. */
  readonly prefix: string;
  readonly codec: Codec | undefined;
  /** About how many bytes will be stored. */
  readonly expectedBytes: number;
  readonly onProgress: (activity: Activity, bytes: number) => void;
}

/** Stores one part through its codec in every destination. Resolves when it is durable there, with both digests. */
export async function storePart(part: DumpPart, request: PartRequest): Promise<Part> {
  const { prefix, signal, onProgress } = request;
  const codec = codecFor(part, request.codec);
  const name = parseObjectKey(nameStored(part, codec));
  const raw = measureSource(part.source, signal);
  const encoded = await encode(raw.source, codec, signal);
  const watch = codec?.watch();
  const stored = createMeter((bytes, chunk) => {
    watch?.update(chunk);
    onProgress('store', bytes);
  });
  const [measure] = await Promise.all([
    raw.measure,
    putEverywhere(keyIn(prefix, name), chain(encoded, stored, codec), request),
  ]);
  const problem = watch?.problem(measure?.bytes);
  if (problem !== undefined) {
    throw new DbopsError('VERIFY_FAILED', `${codec?.id ?? ''} ended well, but what it wrote is not whole: ${problem}`, {
      hint: `Nothing was published. Repair or remove the ${codec?.id ?? ''} program on the PATH, or use --compress none.`,
    });
  }
  const content = measure ?? (codec === undefined ? stored.measure() : undefined);
  return {
    name,
    ...stored.measure(),
    ...(content === undefined ? {} : { raw: content }),
    codecs: codec === undefined ? [] : [{ id: codec.id, ...codec.settings }],
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
export function nameStored(part: DumpPart, codec: Codec | undefined): string {
  return part.name + (codecFor(part, codec)?.suffix ?? '');
}

function codecFor(part: DumpPart, codec: Codec | undefined): Codec | undefined {
  if (part.compressed === true || codec === undefined) return undefined;
  const level = codec.askedLevel === undefined ? part.levels?.[codec.id] : undefined;
  return level === undefined ? codec : codec.at(level);
}

interface Measured {
  readonly source: ByteSource;
  readonly measure: Promise<Measure | undefined>;
}

/**
 * A file is read twice, once by the codec's program and once here; a stream is measured on its way. A program's output
 * that goes into another program is not seen, and where no codec is, what is stored is it.
 */
function measureSource(source: ByteSource, signal: AbortSignal): Measured {
  if (source.type === 'program') return { source, measure: Promise.resolve(undefined) };
  if (source.type === 'file') {
    return { source, measure: measureFile(source.path, signal) };
  }
  const meter = createMeter();
  const stream = chain(source.stream, meter);
  const measure = new Promise<Measure>((resolve, reject) => {
    meter.stream.once('end', () => resolve(meter.measure())).once('error', reject);
  });
  return { source: { type: 'stream', stream }, measure };
}

async function encode(source: ByteSource, codec: Codec | undefined, signal: AbortSignal): Promise<Readable> {
  if (codec !== undefined) return codec.encode(source, { signal });
  if (source.type === 'program') return source.program.read();
  return source.type === 'stream' ? source.stream : createReadStream(source.path, { highWaterMark: 1 << 20, signal });
}

/** A codec that fails is not the storage's fault, and what helps is another. The source's own errors pass through it. */
function blame(error: Error, codec: Codec | undefined): Error {
  const isOurs = error instanceof DbopsError || error.name === 'AbortError' || 'syscall' in error;
  if (codec === undefined || isOurs) return error;
  const reason = messageOf(error)
    .trim()
    .replaceAll(/\s*\n\s*/g, '; ');
  return new DbopsError('TOOL_FAILED', `${codec.id} cannot compress: ${reason}`, {
    hint: `Nothing was published. Repair or remove the ${codec.id} program on the PATH, or use --compress none.`,
    cause: error,
  });
}

function chain(source: Readable, meter: Meter, codec?: Codec): Readable {
  source.on('error', (error) => meter.stream.destroy(blame(error, codec)));
  // Whoever reads gets the error; a put that has failed already reads no more, and then it must not end the process.
  meter.stream.on('error', () => undefined);
  meter.stream.once('close', () => source.destroy());
  return source.pipe(meter.stream);
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
  throw new DbopsError('VERIFY_FAILED', `${key} reads back differently from what was stored in ${storage.label}`, {
    hint: 'Nothing was published. Check the disk and the memory of this machine, then run the backup again.',
  });
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
