import { createHash } from 'node:crypto';
import { keyIn } from '../core/ids.ts';
import { MANIFEST_NAME, serializeManifest, serializeSums, SUMS_NAME, type Manifest } from '../core/manifest.ts';
import type { Lease } from '../core/ports/lock.ts';
import type { CallOptions, Storage } from '../core/ports/storage.ts';
import { collect } from '../streams/collect.ts';
import { MANIFEST_LIMIT } from './load-catalog.ts';
import { otherBytes } from './other-bytes.ts';
import { putBytes } from './store-parts.ts';

export interface Publication extends CallOptions {
  readonly storage: Storage;
  readonly manifest: Manifest;
  readonly lease: Lease;
  readonly readBack: boolean;
  readonly lockUntil?: Date | 'forever' | undefined;
}

/** The commit point: the sums, then the manifest, create-only, last of all and only while the lock is still held. */
export async function publish(publication: Publication): Promise<void> {
  const { storage, manifest, lease, readBack, lockUntil, signal } = publication;
  const options = { signal, ifAbsent: true, ...(lockUntil === undefined ? {} : { lockUntil }) };
  const prefix = `${manifest.target}/${manifest.id}`;
  const bytes = serializeManifest(manifest);
  const sums = serializeSums(manifest, createHash('sha256').update(bytes).digest('hex'));
  await putBytes(storage, keyIn(prefix, SUMS_NAME), sums, options);
  if (readBack) await compare(storage, keyIn(prefix, SUMS_NAME), sums, { signal });
  await lease.confirm({ signal });
  await putBytes(storage, keyIn(prefix, MANIFEST_NAME), bytes, options);
  if (readBack) await compare(storage, keyIn(prefix, MANIFEST_NAME), bytes, { signal });
}

async function compare(
  storage: Storage,
  key: ReturnType<typeof keyIn>,
  sent: Buffer,
  options: CallOptions,
): Promise<void> {
  const found = await collect(await storage.get(key, options), MANIFEST_LIMIT, key);
  if (found.equals(sent)) return;
  throw otherBytes(key, storage);
}
