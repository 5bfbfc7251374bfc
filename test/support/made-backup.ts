import { createHash } from 'node:crypto';
import { keyIn, parseObjectKey } from '../../src/core/ids.ts';
import {
  MANIFEST_NAME,
  serializeManifest,
  serializeSums,
  SUMS_NAME,
  type Manifest,
  type Part,
} from '../../src/core/manifest.ts';
import type { Storage } from '../../src/core/ports/storage.ts';
import { PIN_NAME, serializeRecord } from '../../src/core/records.ts';
import { bodyOf, patient } from './bodies.ts';
import { aManifest, backupId } from './manifests.ts';

export interface MadeBackup {
  readonly id: string;
  /** Contents by name of part. */
  readonly parts: Readonly<Record<string, Uint8Array>>;
  /** The file of an encrypted backup that describes its content. */
  readonly details?: Uint8Array;
  readonly pinned?: boolean;
  readonly change?: Partial<Manifest>;
}

/** Puts a backup of target `app` as a storage holds it, with parts of any content. Gives its manifest. */
export async function putBackup(
  storage: Storage,
  { id, parts, details, pinned, change }: MadeBackup,
): Promise<Manifest> {
  const time = `${id.slice(0, 4)}-${id.slice(4, 6)}-${id.slice(6, 8)}T02:00:00.000Z`;
  const manifest = aManifest({
    id: backupId(id),
    startedAt: time,
    finishedAt: time,
    parts: Object.entries(parts).map(([name, content]) => partOf(name, content)),
    ...(details === undefined ? {} : { formatVersion: 2, details: partOf('details.json.age', details) }),
    ...change,
  });
  const put = (name: string, content: Uint8Array): Promise<void> =>
    storage.put(keyIn(`app/${id}`, name), bodyOf(content), patient);
  for (const [name, content] of Object.entries(parts)) await put(name, content);
  if (details !== undefined) await put('details.json.age', details);
  const bytes = serializeManifest(manifest);
  await put(SUMS_NAME, serializeSums(manifest, sha256(bytes)));
  if (pinned !== undefined) await put(PIN_NAME, serializeRecord({ formatVersion: 1, pinned, at: time }));
  await put(MANIFEST_NAME, bytes);
  return manifest;
}

function partOf(name: string, content: Uint8Array): Part {
  return { name: parseObjectKey(name), bytes: content.length, sha256: sha256(content), codecs: [] };
}

function sha256(content: Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}
