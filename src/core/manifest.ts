import { z } from 'zod';
import { DbopsError } from './errors.ts';
import { factsSchema } from './facts.ts';
import { isBackupId, isObjectKey, isTargetName } from './ids.ts';
import { seal, unseal } from './sealed-json.ts';

/** The newest manifest format this program writes; older ones stay readable for ever. */
const FORMAT_VERSION = 2;

/** Name of the object that makes a folder a backup. */
export const MANIFEST_NAME = 'manifest.json';
/** Name of the list that `sha256sum -c` reads. */
export const SUMS_NAME = 'SHA256SUMS';

const time = z.iso.datetime();
const size = z.int().min(0);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const token = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,127}$/);

// A compressor and a cipher; more than a few would start a program each.
const MOST_CODECS = 4;

const partSchema = z.looseObject({
  /** Name within the backup's folder. Never trusted further than the key pattern. */
  name: z.string().refine(isObjectKey, 'unsafe name'),
  /** Stored bytes, after all codecs. */
  bytes: size,
  sha256,
  /**
   * Bytes before the first codec: what a restore must produce. Absent where they went from one program into another
   * without being seen.
   */
  raw: z.looseObject({ bytes: size, sha256 }).optional(),
  /** In the order of encoding; a reader undoes them from the last to the first. */
  codecs: z.array(z.looseObject({ id: token })).max(MOST_CODECS),
});

/**
 * The description of one backup. `formatVersion` is 1 where all of it can be read; 2 where what tells of the content is
 * in an encrypted file of its own, `details`. Unknown members are kept, so that an older dbops does not drop
 * what a newer one wrote. Holds no secrets. The format is documented byte by byte in docs/format.md.
 */
const manifestSchema = z
  .looseObject({
    formatVersion: z.union([z.literal(1), z.literal(FORMAT_VERSION)]),
    id: z.string().refine(isBackupId, 'not a backup id'),
    target: z.string().refine(isTargetName, 'not a target name'),
    engine: token,
    class: token,
    tags: z.record(z.string(), z.string()),
    pinned: z.boolean(),
    startedAt: time,
    finishedAt: time,
    source: z.looseObject({
      database: z.string(),
      host: z.string(),
      serverVersion: z.string(),
      bytes: size,
      settings: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
    }),
    tools: z.record(z.string(), z.string()),
    options: z.record(z.string(), z.unknown()),
    parts: z.array(partSchema).min(1),
    /** In format 1. */
    facts: factsSchema.optional(),
    /** In format 2: the file that holds the facts and what else tells of the content. */
    details: partSchema.optional(),
    warnings: z.array(z.string()),
    /** Of the recipients of what is encrypted. */
    recipientsDigest: z.string().optional(),
    /** The id under which it was made, before it was encrypted for other recipients. */
    rotatedFrom: z.string().optional(),
    git: z.looseObject({ commit: z.string() }).optional(),
  })
  .refine(
    ({ formatVersion, facts, details }) => (formatVersion === 1 ? facts !== undefined : details !== undefined),
    'facts or details are missing',
  )
  .refine(({ parts, details }) => {
    const names = [...parts, ...(details === undefined ? [] : [details])].map(({ name }) => name);
    return new Set(names).size === names.length;
  }, 'two parts have one name');

export type Manifest = Readonly<z.infer<typeof manifestSchema>>;
export type Part = Readonly<z.infer<typeof partSchema>>;

/** The bytes of `manifest.json`. */
export function serializeManifest(manifest: Manifest): Buffer {
  return seal(manifest);
}

/**
 * Reads `manifest.json`, which is input from outside and trusted in nothing but its checks.
 * @throws DbopsError DAMAGED when it was changed, CONFIG_INVALID when a newer dbops wrote it.
 */
export function parseManifest(bytes: Uint8Array, name: string): Manifest {
  const document = unseal(bytes, name);
  const version = document['formatVersion'];
  if (typeof version === 'number' && Number.isInteger(version) && version > FORMAT_VERSION) {
    throw new DbopsError('CONFIG_INVALID', `${name} has format ${version}, newer than this dbops reads`, {
      hint: 'Upgrade dbops on this machine.',
    });
  }
  const result = manifestSchema.safeParse(document);
  if (result.success) return result.data;
  throw new DbopsError('DAMAGED', `${name} is not a valid manifest: ${z.prettifyError(result.error)}`, {
    hint: 'The file was not written by dbops, or was changed after it; do not trust this backup.',
  });
}

/** The bytes of `SHA256SUMS`: one line a file, as `sha256sum -c` reads them, in the order of the manifest. */
export function serializeSums(manifest: Manifest, manifestSha256: string): Buffer {
  const lines = storedParts(manifest).map((part) => `${part.sha256}  ${part.name}\n`);
  return Buffer.from([...lines, `${manifestSha256}  ${MANIFEST_NAME}\n`].join(''));
}

/** Bytes that a backup takes in its storage, without the small files that describe it. */
export function storedBytes(manifest: Manifest): number {
  return storedParts(manifest).reduce((sum, part) => sum + part.bytes, 0);
}

/** Every file of a backup but those that describe it: the parts of the database, and what is sealed of its description. */
export function storedParts({ formatVersion, parts, details }: Manifest): readonly Part[] {
  return formatVersion === 1 || details === undefined ? parts : [...parts, details];
}

/** What stays the same when a backup is encrypted for other recipients. */
export function idWhenMade({ id, rotatedFrom }: Manifest): string {
  return rotatedFrom ?? id;
}
