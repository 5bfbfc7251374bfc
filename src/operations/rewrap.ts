import { Readable } from 'node:stream';
import type { Backup } from '../core/catalog.ts';
import { parseDetails, serializeDetails } from '../core/details.ts';
import { DbopsError } from '../core/errors.ts';
import { createBackupId, keyIn, type BackupId } from '../core/ids.ts';
import { idWhenMade, storedParts, type Manifest, type Part } from '../core/manifest.ts';
import type { Codec } from '../core/ports/codec.ts';
import type { Lease } from '../core/ports/lock.ts';
import type { CallOptions, Storage } from '../core/ports/storage.ts';
import { digestRecipients } from '../core/recipients-digest.ts';
import { parseVerificationName } from '../core/records.ts';
import { collect } from '../streams/collect.ts';
import { measureStream } from '../streams/meter.ts';
import { discard } from './discard.ts';
import { encodePart } from './encode.ts';
import { MANIFEST_LIMIT } from './load-catalog.ts';
import type { Ports } from './ports.ts';
import { publish } from './publish.ts';
import { openParts } from './read-parts.ts';

/** What every backup of a rotation is encrypted with, and where. */
export interface RewrapRequest extends CallOptions {
  readonly storage: Storage;
  /** Encrypts for `recipients`. Those of `ports` decrypt. */
  readonly cipher: Codec;
  readonly recipients: readonly string[];
  /** Until when the storage locks what is written for this backup. */
  readonly lockUntil: (backup: Backup) => Date | 'forever' | undefined;
}

/** Makes a copy of a backup for other recipients, proves and publishes it. Gives its id. */
export async function rewrap(backup: Backup, lease: Lease, request: RewrapRequest, ports: Ports): Promise<string> {
  const { storage, recipients, signal } = request;
  const { manifest } = backup;
  const id = createBackupId(new Date(manifest.startedAt), ports.random(4));
  const work: Work = { backup, id, prefix: `${manifest.target}/${id}`, request, ports };
  await lease.declare([id], { signal });
  try {
    const parts: Part[] = [];
    for (const part of manifest.parts) parts.push(await copyPart(part, work));
    const copy: Manifest = {
      ...manifest,
      id,
      parts,
      pinned: backup.pinned,
      ...(manifest.details === undefined ? {} : { details: await copyDetails(manifest.details, work) }),
      recipientsDigest: digestRecipients(recipients, ports.random(8)),
      rotatedFrom: idWhenMade(manifest),
    };
    await copyVerifications(work);
    await publish({ storage, manifest: copy, lease, readBack: true, lockUntil: request.lockUntil(backup), signal });
    return id;
  } catch (error) {
    const names = [...storedParts(manifest).map(({ name }) => name), 'SHA256SUMS', 'manifest.json'];
    const options = { signal: new AbortController().signal };
    await discard(storage, [...names.map((name) => keyIn(work.prefix, name)), ...recordKeys(work)], options);
    lease.settle();
    throw error;
  }
}

interface Work {
  readonly backup: Backup;
  readonly id: BackupId;
  readonly prefix: string;
  readonly request: RewrapRequest;
  readonly ports: Ports;
}

/** Only the encryption is undone; what is compressed stays as it is. */
async function copyPart(part: Part, work: Work): Promise<Part> {
  const { backup, request } = work;
  if (part.codecs.at(-1)?.id !== 'age') throw unknownOrder(part);
  const stream = await openSealed(part, work);
  const stored = await store(part.name, stream, work);
  const copy = { ...part, ...stored };
  const found = await measureStream(await request.storage.get(keyIn(work.prefix, part.name), request));
  if (found.bytes === stored.bytes && found.sha256 === stored.sha256) return copy;
  throw new DbopsError('VERIFY_FAILED', `the copy of ${keyIn(backup.prefix, part.name)} reads back differently`, {
    hint: 'The old backup stays. Check the disk and the memory of this machine, then run this again.',
  });
}

function openSealed({ name, bytes, sha256 }: Part, { backup, request, ports }: Work): Promise<Readable> {
  const outer = { name, bytes, sha256, codecs: [{ id: 'age' }] };
  return openParts(request.storage, backup.prefix, [outer], ports.codecs).open(name, request);
}

async function store(
  name: string,
  stream: Readable,
  { backup, prefix, request }: Work,
): Promise<Pick<Part, 'bytes' | 'sha256'>> {
  const { storage, cipher, signal } = request;
  const part = { name, source: { type: 'stream', stream }, compressed: true } as const;
  const wrapping = { compression: undefined, cipher, unseen: false, doubtful: false };
  const encoded = await encodePart(part, wrapping, () => undefined, signal);
  const lockUntil = request.lockUntil(backup);
  const lock = lockUntil === undefined ? {} : { lockUntil };
  await storage.put(keyIn(prefix, name), encoded.stream, { signal, ifAbsent: true, ...lock });
  return (await encoded.finish()).stored;
}

/** They name the backup that they belong to. */
async function copyDetails(part: Part, work: Work): Promise<Part> {
  const { manifest, prefix } = work.backup;
  const bytes = await collect(await openSealed(part, work), MANIFEST_LIMIT, part.name);
  const details = parseDetails(bytes, manifest, keyIn(prefix, part.name));
  const own = serializeDetails({ ...details, backup: `${manifest.target}/${work.id}` });
  const stored = await store(part.name, Readable.from([own], { objectMode: false }), work);
  return { name: part.name, ...stored, codecs: part.codecs };
}

/** What was found of the old one is true of the new one: above all that it is not sound. */
async function copyVerifications(work: Work): Promise<void> {
  const { backup, request } = work;
  for (const [index, key] of recordKeys(work).entries()) {
    const from = recordsOf(backup)[index];
    if (from === undefined) continue;
    const { storage, signal } = request;
    await storage.put(key, await storage.get(keyIn(backup.prefix, from), { signal }), { signal, ifAbsent: true });
  }
}

function recordsOf({ objects, prefix }: Backup): readonly string[] {
  const names = objects.map(({ key }) => key.slice(prefix.length + 1));
  return names.filter((name) => parseVerificationName(name) !== undefined);
}

function recordKeys({ backup, prefix }: Work): ReturnType<typeof keyIn>[] {
  return recordsOf(backup).map((name) => keyIn(prefix, name));
}

function unknownOrder({ name }: Part): DbopsError {
  return new DbopsError('REFUSED', `${name} is not encrypted last, as dbops does it`, {
    hint: 'Back the database up again instead.',
  });
}
