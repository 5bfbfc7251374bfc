import type { Backup } from '../core/catalog.ts';
import { messageOf } from '../core/errors.ts';
import { keyIn } from '../core/ids.ts';
import type { Storage } from '../core/ports/storage.ts';
import { PIN_NAME, serializeRecord } from '../core/records.ts';
import type { Ports } from './ports.ts';
import { requireManifest } from './require-manifest.ts';
import { putBytes } from './store-parts.ts';

const patienceMs = 30_000;

/**
 * Pins or unpins a backup, under the target's lock so that a prune under way cannot miss it.
 * @throws DbopsError NOTHING_MATCHES when it was removed before the lock was free.
 */
export async function setPin(
  storage: Storage,
  backup: Backup,
  pinned: boolean,
  ports: Ports,
  signal: AbortSignal,
): Promise<void> {
  const { target, id } = backup.manifest;
  await using lease = await ports.lockOf(storage).acquire(target, {
    purpose: pinned ? 'pin' : 'unpin',
    waitMs: patienceMs,
    signal,
    onReleaseFailure: (error) => ports.reporter.report({ type: 'warning', subject: id, message: messageOf(error) }),
  });
  await requireManifest(storage, backup, { signal });
  await lease.confirm({ signal });
  const record = serializeRecord({ formatVersion: 1, pinned, at: ports.clock.now().toISOString() });
  await putBytes(storage, keyIn(backup.prefix, PIN_NAME), record, { signal });
}
