import { parseDetails, type Recorded } from '../core/details.ts';
import { keyIn } from '../core/ids.ts';
import type { Manifest } from '../core/manifest.ts';
import type { Codecs } from '../core/ports/codec.ts';
import type { CallOptions, Storage } from '../core/ports/storage.ts';
import { collect } from '../streams/collect.ts';
import { MANIFEST_LIMIT } from './load-catalog.ts';
import { openParts } from './read-parts.ts';

/** Gives what is recorded of a backup's content; the first time that it is asked for, keys may be needed. */
export type Recall = (options: CallOptions) => Promise<Recorded>;

/**
 * What is recorded of a backup, in its manifest or in its encrypted details.
 * Rejects with DbopsError KEY_MISSING, KEY_REFUSED or DAMAGED.
 */
export function createRecall(storage: Storage, prefix: string, manifest: Manifest, codecs: Codecs): Recall {
  let found: Promise<Recorded> | undefined;
  return (options) => (found ??= look(storage, prefix, { manifest, codecs }, options));
}

/** Of a foreign file. */
export const nothingRecorded: Recall = () =>
  Promise.resolve({ facts: undefined, warnings: [], options: {}, settings: {}, raw: {} });

async function look(
  storage: Storage,
  prefix: string,
  { manifest, codecs }: { readonly manifest: Manifest; readonly codecs: Codecs },
  options: CallOptions,
): Promise<Recorded> {
  const { formatVersion, details, facts, warnings, source } = manifest;
  if (formatVersion === 1 || details === undefined) {
    return { facts, warnings, options: manifest.options, settings: source.settings, raw: {} };
  }
  const file = await openParts(storage, prefix, [details], codecs).open(details.name, options);
  return parseDetails(await collect(file, MANIFEST_LIMIT, details.name), manifest, keyIn(prefix, details.name));
}
