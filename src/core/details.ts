import { z } from 'zod';
import { DbopsError } from './errors.ts';
import { factsSchema, type Facts } from './facts.ts';
import type { Manifest, Part } from './manifest.ts';

/** Name of the file before it is encrypted. */
export const DETAILS_NAME = 'details.json';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

/** What a manifest of format 2 does not show. */
const detailsSchema = z.looseObject({
  /** `<target>/<id>`: the file of another backup is noticed. */
  backup: z.string(),
  facts: factsSchema,
  warnings: z.array(z.string()),
  options: z.record(z.string(), z.unknown()),
  settings: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
  /** By the name of a part, what it is before its first codec. */
  raw: z.record(z.string(), z.looseObject({ bytes: z.int().min(0), sha256 })),
});

export type Details = Readonly<z.infer<typeof detailsSchema>>;

/** What is known of a backup's content, wherever it stands. */
export type Recorded = Pick<Details, 'warnings' | 'options' | 'settings' | 'raw'> & {
  readonly facts: Facts | undefined;
};

/** Takes out of a manifest of format 1 what tells of the content. */
export function detailsOf(manifest: Manifest): Details {
  const { target, id, facts, warnings, options, source, parts } = manifest;
  if (facts === undefined) throw new Error('its details are out of it already');
  const measured = parts.flatMap(({ name, raw }) => (raw === undefined ? [] : [[name, raw] as const]));
  return {
    backup: `${target}/${id}`,
    facts,
    warnings,
    options,
    settings: source.settings,
    raw: Object.fromEntries(measured),
  };
}

/**
 * The manifest without them, in format 2. Names of tables and schemas are lists among the options; a digest of the content
 * would tell who guesses it that it is right.
 */
export function sealManifest(manifest: Manifest, details: Part): Manifest {
  return {
    ...manifest,
    formatVersion: 2,
    source: { ...manifest.source, settings: {} },
    options: Object.fromEntries(Object.entries(manifest.options).filter(([, value]) => !Array.isArray(value))),
    parts: manifest.parts.map(withoutMeasure),
    // What is undefined is not written.
    facts: undefined,
    warnings: [],
    details: withoutMeasure(details),
  };
}

function withoutMeasure({ name, bytes, sha256, codecs }: Part): Part {
  return { name, bytes, sha256, codecs };
}

// Rounded up, so that the length of the file does not tell the number of tables.
const smallest = 4_096;

export function serializeDetails(details: Details): Buffer {
  const text = JSON.stringify(details, null, 2);
  const bytes = Buffer.byteLength(text) + 1;
  const padded = 2 ** Math.ceil(Math.log2(Math.max(bytes, smallest)));
  return Buffer.from(`${text}${' '.repeat(padded - bytes)}\n`);
}

/** @throws DbopsError DAMAGED */
export function parseDetails(bytes: Uint8Array, { target, id }: Manifest, name: string): Details {
  const found = detailsSchema.safeParse(parseJson(bytes));
  if (found.success && found.data.backup === `${target}/${id}`) return found.data;
  throw new DbopsError(
    'DAMAGED',
    `${name} ${found.success ? 'belongs to another backup' : 'is no description of a backup'}`,
    {
      hint: 'Somebody changed the files of this backup; do not trust it.',
    },
  );
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    return undefined;
  }
}
