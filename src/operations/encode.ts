import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { DbopsError, messageOf } from '../core/errors.ts';
import type { ByteSource, Codec, CodecWatch } from '../core/ports/codec.ts';
import type { DumpPart, PartSource } from '../core/ports/engine.ts';
import { createCounter, createMeter, measureFile, type Measure, type Meter } from '../streams/meter.ts';

/** What a part goes through on its way into a storage. */
export interface Wrapping {
  readonly compression: Codec | undefined;
  readonly cipher: Codec | undefined;
  /** True when nobody can read it again once it is encrypted: then it is looked at on its way, where that matters. */
  readonly unseen: boolean;
  /** True when what makes or compresses it may lose some of it unnoticed. */
  readonly doubtful: boolean;
}

/** The codecs of one part, in their order. */
export function codecsOf(part: DumpPart, { compression, cipher }: Wrapping): readonly Codec[] {
  return [compressionOf(part, compression), cipher].filter((codec) => codec !== undefined);
}

function compressionOf(part: DumpPart, codec: Codec | undefined): Codec | undefined {
  if (part.compressed === true || codec === undefined) return undefined;
  const level = codec.askedLevel === undefined ? part.levels?.[codec.id] : undefined;
  return level === undefined ? codec : codec.at(level);
}

/** The parts that are files, as they are before they are encoded. */
export function openFiles(parts: readonly DumpPart[]): PartSource {
  const files = parts.flatMap(({ name, source }) => (source.type === 'file' ? [{ name, ...source }] : []));
  return {
    parts: files.map(({ name, bytes }) => ({ name, decodedName: name, bytes })),
    open: async (name, { signal }) => {
      const file = files.find((candidate) => candidate.name === name);
      if (file === undefined) throw new Error(`no part ${name}`);
      return createReadStream(file.path, { highWaterMark: 1 << 20, signal });
    },
  };
}

export interface Encoded {
  readonly stream: Readable;
  /** To be called when all of the stream was read: what went in, where anybody saw it, and what came out. */
  finish(): Promise<{ readonly raw: Measure | undefined; readonly stored: Measure }>;
}

/**
 * Sends a part through its codecs. Each of them is followed, so that one that ends well after half of its work is noticed:
 * then `finish` fails with DbopsError VERIFY_FAILED.
 */
export async function encodePart(
  part: DumpPart,
  wrapping: Wrapping,
  onBytes: (total: number) => void,
  signal: AbortSignal,
): Promise<Encoded> {
  const codecs = codecsOf(part, wrapping);
  // Between two programs that can be trusted bytes go faster than through here.
  const matters = wrapping.doubtful || compressionOf(part, wrapping.compression) === undefined;
  const look = wrapping.unseen && matters ? part.watch?.() : undefined;
  const source = look === undefined ? part.source : readHere(part.source);
  const raw = measureSource(source, signal, (chunk) => look?.update(chunk));
  // Where storing fails nobody asks for it any more, and its own failure must not end the process.
  raw.measure.catch(() => undefined);
  // Whoever never asks, because storing failed first, must not be ended by this one's failure.
  raw.measure.catch(() => undefined);
  const stages: Stage[] = [];
  let stream = await openEncoded(raw.source, codecs[0], signal);
  for (const codec of codecs.slice(0, -1)) {
    const watch = codec.watch();
    const counter = createCounter((_total, chunk) => watch.update(chunk));
    stages.push({ codec, watch, bytes: counter.bytes });
    const next = codecs[stages.length];
    stream = chain(stream, counter, codec);
    if (next !== undefined) stream = await next.encode({ type: 'stream', stream }, { signal });
  }
  const last = codecs.at(-1);
  const watch = last?.watch();
  const meter = createMeter((total, chunk) => {
    watch?.update(chunk);
    onBytes(total);
  });
  return {
    stream: chain(stream, meter, last),
    finish: async () => {
      const seen = await raw.measure;
      refuseTorn(undefined, look?.problem());
      let held = seen?.bytes;
      for (const stage of stages) {
        refuseTorn(stage.codec, stage.watch.problem(held));
        held = stage.bytes();
      }
      refuseTorn(last, watch?.problem(held));
      const stored = meter.measure();
      return { raw: seen ?? (last === undefined ? stored : undefined), stored };
    },
  };
}

/** A codec whose output goes into the next one. */
interface Stage {
  readonly codec: Codec;
  readonly watch: CodecWatch;
  readonly bytes: () => number;
}

function refuseTorn(codec: Codec | undefined, problem: string | undefined): void {
  if (problem === undefined) return;
  if (codec === undefined) {
    throw new DbopsError('VERIFY_FAILED', `what was dumped is not whole: ${problem}`, {
      hint: 'Nothing was published. Check the programs that made it, then run the backup again.',
    });
  }
  throw new DbopsError('VERIFY_FAILED', `${codec.id} ended well, but what it wrote is not whole: ${problem}`, {
    hint: `Nothing was published. Repair or remove the ${codec.id} program on the PATH${wayAround(codec)}.`,
  });
}

function wayAround({ id }: Codec): string {
  return id === 'age' ? '' : ', or use --compress none';
}

function readHere(source: ByteSource): ByteSource {
  return source.type === 'program' ? { type: 'stream', stream: source.program.read() } : source;
}

interface Measured {
  readonly source: ByteSource;
  readonly measure: Promise<Measure | undefined>;
}

/**
 * A file is read twice, once by the codec's program and once here; a stream is measured on its way. A program's output
 * that goes into another program is not seen, and where no codec is, what is stored is it.
 */
function measureSource(source: ByteSource, signal: AbortSignal, look: (chunk: Uint8Array) => void): Measured {
  if (source.type === 'program') return { source, measure: Promise.resolve(undefined) };
  if (source.type === 'file') return { source, measure: measureFile(source.path, signal) };
  const meter = createMeter((_total, chunk) => look(chunk));
  const stream = chain(source.stream, meter);
  const measure = new Promise<Measure>((resolve, reject) => {
    meter.stream.once('end', () => resolve(meter.measure())).once('error', reject);
  });
  return { source: { type: 'stream', stream }, measure };
}

async function openEncoded(source: ByteSource, codec: Codec | undefined, signal: AbortSignal): Promise<Readable> {
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
  const what = codec.id === 'age' ? 'encrypt' : 'compress';
  return new DbopsError('TOOL_FAILED', `${codec.id} cannot ${what}: ${reason}`, {
    hint: `Nothing was published. Repair or remove the ${codec.id} program on the PATH${wayAround(codec)}.`,
    cause: error,
  });
}

function chain(source: Readable, { stream }: Pick<Meter, 'stream'>, codec?: Codec): Readable {
  source.on('error', (error) => stream.destroy(blame(error, codec)));
  // Whoever reads gets the error; a put that has failed already reads no more, and then it must not end the process.
  stream.on('error', () => undefined);
  stream.once('close', () => source.destroy());
  return source.pipe(stream);
}
