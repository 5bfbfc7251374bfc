import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { DbopsError, messageOf, rootOf } from '../core/errors.ts';
import { keyIn } from '../core/ids.ts';
import type { Part } from '../core/manifest.ts';
import type { Codecs } from '../core/ports/codec.ts';
import type { PartSource } from '../core/ports/engine.ts';
import type { CallOptions, Storage } from '../core/ports/storage.ts';
import { measureStream } from '../streams/meter.ts';

/** Gives what parts are before they are encoded, where the manifest does not tell. */
export type RawMeasures = (options: CallOptions) => Promise<Readonly<Record<string, NonNullable<Part['raw']>>>>;

/** Opens the parts of a backup for reading, decoded and checked against the manifest to the last byte. */
export function openParts(
  storage: Storage,
  prefix: string,
  parts: readonly Part[],
  codecs: Codecs,
  measures: RawMeasures = () => Promise.resolve({}),
): PartSource {
  return {
    parts: parts.map((part) => ({
      name: part.name,
      decodedName: decodedName(part, codecs),
      bytes: part.raw?.bytes,
    })),
    open: async (name, options) => {
      const part = parts.find((candidate) => candidate.name === name);
      if (part === undefined) throw new DbopsError('DAMAGED', `the manifest has no part ${JSON.stringify(name)}`);
      return openPart({ storage, prefix, part, codecs, measures }, options);
    },
  };
}

function decodedName({ name, codecs: chain }: Part, codecs: Codecs): string {
  return chain.toReversed().reduce<string>((rest, { id }) => {
    const suffix = codecs.byId(id)?.suffix ?? '';
    return rest.endsWith(suffix) ? rest.slice(0, rest.length - suffix.length) : rest;
  }, name);
}

interface StoredPart {
  readonly storage: Storage;
  readonly prefix: string;
  readonly part: Part;
}

interface PartAddress extends StoredPart {
  readonly codecs: Codecs;
  readonly measures: RawMeasures;
}

async function openPart(address: PartAddress, options: CallOptions): Promise<Readable> {
  const { storage, prefix, part, codecs, measures } = address;
  const key = keyIn(prefix, part.name);
  const measured = part.raw === undefined ? await measures(options) : {};
  const raw = part.raw ?? (Object.hasOwn(measured, part.name) ? measured[part.name] : undefined);
  let stream = await openStoredBytes({ storage, prefix, part }, options);
  for (const { id } of part.codecs.toReversed()) {
    const codec = codecs.byId(id);
    if (codec === undefined) {
      throw new DbopsError('CONFIG_INVALID', `${key} is encoded with ${id}, which this dbops cannot undo`, {
        hint: 'Upgrade dbops on this machine.',
      });
    }
    stream = await codec.decode(stream, options);
  }
  if (part.codecs.length === 0) return stream;
  const blame = (message: string, cause: unknown): Promise<DbopsError> => blameFor(message, cause, address, options);
  return toStream(checked(stream, raw, `the content of ${key}`, blame));
}

function blameStorage(message: string, cause: unknown): DbopsError {
  return cause instanceof DbopsError ? cause : damaged(message, cause);
}

/** Says which file it is that a codec, which knows no names, speaks of. */
function naming(key: string, error: DbopsError): DbopsError {
  const { code, message, hint } = error;
  const isNameless = ['DAMAGED', 'KEY_MISSING', 'KEY_REFUSED'].includes(code) && !message.includes(key);
  if (!isNameless) return error;
  return new DbopsError(code, `${key}: ${message}`, { ...(hint === undefined ? {} : { hint }), cause: error });
}

/**
 * The bytes of a part as they are stored, checked against the manifest to the last one.
 * The stream fails with DAMAGED; the call with what `get` fails with.
 */
export async function openStoredBytes(
  { storage, prefix, part }: StoredPart,
  options: CallOptions,
  onBytes?: (total: number) => void,
): Promise<Readable> {
  const key = keyIn(prefix, part.name);
  const name = `${key} in ${storage.label}`;
  return toStream(checked(await storage.get(key, options), part, name, blameStorage, onBytes));
}

/**
 * A decoder that fails on bytes that are those that were stored says nothing of the backup: its program is broken, was
 * killed, or is not what its name says.
 */
async function blameFor(
  message: string,
  cause: unknown,
  { storage, prefix, part }: PartAddress,
  options: CallOptions,
): Promise<DbopsError> {
  const key = keyIn(prefix, part.name);
  const root = rootOf(cause);
  // Damage that was seen on the way, or a key that is missing, is what it is. A header that was changed fits no key either.
  if (root !== undefined && root.code !== 'KEY_REFUSED') return naming(key, root);
  const { bytes, sha256 } = await measureStream(await storage.get(key, options));
  if (bytes !== part.bytes || sha256 !== part.sha256) {
    return root === undefined
      ? damaged(message, cause)
      : damaged(`${key} is not what was stored: its header was changed, so that no key fits`, cause);
  }
  if (root !== undefined) return naming(key, root);
  const names = part.codecs.map(({ id }) => id).join(', ');
  return new DbopsError('TOOL_FAILED', `${message}; the stored file is what it was`, {
    hint: `Repair the ${names} program on the PATH of this machine, then run this again. The backup is not to blame.`,
    cause,
  });
}

function toStream(source: AsyncIterable<Buffer>): Readable {
  return Readable.from(source, { objectMode: false, highWaterMark: 1 << 18 });
}

/**
 * Lets bytes through and fails at the end, or as soon as there are too many. Decompressors accept cut and changed
 * input, so nothing but this comparison says that the bytes are those of the backup. Where nobody saw the content before
 * it was encoded, the checked bytes of the encoded one are what is known of it.
 */
async function* checked(
  source: Readable,
  expected: { readonly bytes: number; readonly sha256: string } | undefined,
  name: string,
  blame: (message: string, cause: unknown) => DbopsError | Promise<DbopsError>,
  onBytes?: (total: number) => void,
): AsyncGenerator<Buffer> {
  const hash = createHash('sha256');
  let bytes = 0;
  try {
    for await (const chunk of source as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (expected !== undefined) {
        if (bytes > expected.bytes) break;
        hash.update(chunk);
      }
      onBytes?.(bytes);
      yield chunk;
    }
  } catch (error) {
    if (error instanceof Error && error.name === 'AbortError') throw error;
    // What a program said is lines; a message is one.
    const reason = messageOf(error)
      .trim()
      .replaceAll(/\s*\n\s*/g, '; ');
    throw await blame(`${name} cannot be read: ${reason}`, error);
  }
  if (expected === undefined) return;
  if (bytes !== expected.bytes) {
    throw damaged(`${name} has ${bytes > expected.bytes ? 'more' : `${bytes}`} bytes, should have ${expected.bytes}`);
  }
  if (hash.digest('hex') !== expected.sha256) throw damaged(`${name} does not match its sha256`);
}

function damaged(message: string, cause?: unknown): DbopsError {
  return new DbopsError('DAMAGED', message, { hint: 'Use another backup: see `dbops list`.', cause });
}
