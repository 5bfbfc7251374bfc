import type { Clock } from '../../core/ports/clock.ts';
import type { Storage } from '../../core/ports/storage.ts';
import type { StorageAddress } from '../../core/storage-settings.ts';
import { systemRandom } from '../../platform/clock.ts';
import type { BucketPatience } from './bucket.ts';
import { toClientSettings } from './client-settings.ts';
import { parseS3Location } from './location.ts';
import { createS3Storage } from './s3-storage.ts';

const usualPatience: BucketPatience = { budgetMs: 120_000, firstBudgetMs: 6_000, stallMs: 60_000, graceMs: 5_000 };

// Its keys are called HMAC keys there.
const googleEndpoint = 'https://storage.googleapis.com';

/** Opens a bucket without touching it. */
export function openS3Storage(
  address: StorageAddress,
  environment: Readonly<Record<string, string | undefined>>,
  clock: Clock,
  patience: BucketPatience = usualPatience,
): Storage {
  const location = parseS3Location(address.location);
  const settings = location.scheme === 'gs' ? { endpoint: googleEndpoint, ...address.settings } : address.settings;
  return createS3Storage({
    location,
    settings,
    client: toClientSettings({ ...address, settings }, environment),
    clock,
    random: systemRandom,
    patience,
  });
}
