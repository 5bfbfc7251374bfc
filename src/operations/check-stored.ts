import { createHash } from 'node:crypto';
import { DbopsError, messageOf } from '../core/errors.ts';
import { keyIn, type ObjectKey } from '../core/ids.ts';
import {
  MANIFEST_NAME,
  parseManifest,
  serializeManifest,
  serializeSums,
  storedParts,
  SUMS_NAME,
  type Part,
} from '../core/manifest.ts';
import type { CallOptions, ObjectInfo, Storage } from '../core/ports/storage.ts';
import { isRecordName, parsePin, parseVerification, PIN_NAME } from '../core/records.ts';
import { collect } from '../streams/collect.ts';
import { measureStream } from '../streams/meter.ts';
import type { Findings } from './findings.ts';
import { MANIFEST_LIMIT } from './load-catalog.ts';
import type { StoredBackup } from './restorable.ts';

/** Holds every byte of every object of a backup against the manifest, and the manifest against itself. */
export async function checkStored({ storage, backup }: StoredBackup, options: CallOptions): Promise<Findings> {
  const { prefix, manifest, objects } = backup;
  const context = { storage, prefix, options };
  const parts = storedParts(manifest);
  const reports = [
    await checkDescription(context, backup),
    ...(await Promise.all(parts.map((part) => checkPart(context, part)))),
    ...(await Promise.all(objects.map((object) => checkOther(context, object, parts)))),
  ];
  return {
    problems: reports.flatMap(({ problems }) => problems),
    warnings: reports.flatMap(({ warnings }) => warnings),
    checks: [],
  };
}

interface Context {
  readonly storage: Storage;
  readonly prefix: string;
  readonly options: CallOptions;
}

interface Report {
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

const fine: Report = { problems: [], warnings: [] };
const problem = (text: string): Report => ({ problems: [text], warnings: [] });

/** The manifest may have been read before it changed, so it is read again, and the sums must be exactly what it gives. */
async function checkDescription(
  { storage, prefix, options }: Context,
  { manifest }: StoredBackup['backup'],
): Promise<Report> {
  const read = async (name: string): Promise<Buffer> => {
    const key = keyIn(prefix, name);
    return collect(await storage.get(key, options), MANIFEST_LIMIT, key);
  };
  return reported(options.signal, async () => {
    const bytes = await read(MANIFEST_NAME);
    const again = parseManifest(bytes, keyIn(prefix, MANIFEST_NAME));
    if (!serializeManifest(again).equals(serializeManifest(manifest)))
      return problem(`${MANIFEST_NAME} changed meanwhile`);
    const sums = serializeSums(manifest, createHash('sha256').update(bytes).digest('hex'));
    return (await read(SUMS_NAME)).equals(sums) ? fine : problem(`${SUMS_NAME} is not what the manifest says`);
  });
}

async function checkPart({ storage, prefix, options }: Context, part: Part): Promise<Report> {
  const key = keyIn(prefix, part.name);
  return reported(options.signal, async () => {
    const first = await comparePart(storage, key, part, options);
    if (first === undefined) return fine;
    // Bad memory or a bad cable gives wrong bytes once; a damaged disk gives them again.
    const second = await comparePart(storage, key, part, options);
    if (second !== undefined) return problem(`${part.name} ${second}`);
    return {
      problems: [],
      warnings: [`${part.name} ${first}, but not when read again: check memory, disk and network`],
    };
  });
}

async function comparePart(
  storage: Storage,
  key: ObjectKey,
  part: Part,
  options: CallOptions,
): Promise<string | undefined> {
  const info = await storage.stat(key, options);
  if (info === undefined) return 'is missing';
  if (info.bytes !== part.bytes) return `has ${info.bytes} bytes, should have ${part.bytes}`;
  const { sha256 } = await measureStream(await storage.get(key, options));
  return sha256 === part.sha256 ? undefined : 'does not match its sha256';
}

/** Records must be whole; what nobody knows is only mentioned. */
async function checkOther(
  { storage, prefix, options }: Context,
  { key }: ObjectInfo,
  parts: readonly Part[],
): Promise<Report> {
  const name = prefix === '' ? key : key.slice(prefix.length + 1);
  if (name === MANIFEST_NAME || name === SUMS_NAME || parts.some((part) => part.name === name)) return fine;
  if (!isRecordName(name)) return { problems: [], warnings: [`${name} does not belong to this backup`] };
  return reported(options.signal, async () => {
    const bytes = await collect(await storage.get(key, options), 1 << 20, key);
    if (name === PIN_NAME) parsePin(bytes, name);
    else parseVerification(bytes, name);
    return fine;
  });
}

async function reported(signal: AbortSignal, check: () => Promise<Report>): Promise<Report> {
  try {
    return await check();
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof DbopsError && error.code === 'STORAGE_FAILED') throw error;
    return problem(messageOf(error));
  }
}
