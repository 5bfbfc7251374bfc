import type { Backup } from '../core/catalog.ts';
import { DbopsError } from '../core/errors.ts';
import { keyIn } from '../core/ids.ts';
import { MANIFEST_NAME } from '../core/manifest.ts';
import type { CallOptions, Storage } from '../core/ports/storage.ts';

/**
 * Says that a backup which was listed some time ago is still there.
 * @throws DbopsError NOTHING_MATCHES
 */
export async function requireManifest(
  storage: Storage,
  { prefix, manifest: { target, id } }: Backup,
  options: CallOptions,
): Promise<void> {
  if ((await storage.stat(keyIn(prefix, MANIFEST_NAME), options)) !== undefined) return;
  throw new DbopsError('NOTHING_MATCHES', `${target}/${id} was removed meanwhile`, {
    hint: 'Prune or a person removed it. See what is left with `dbops list`.',
  });
}
