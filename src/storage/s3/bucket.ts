import type { S3Client } from '@aws-sdk/client-s3';
import type { Clock, RandomBytes } from '../../core/ports/clock.ts';
import type { StorageSettings } from '../../core/storage-settings.ts';
import { createAttempts, type Attempts, type Patience } from './attempts.ts';
import type { ClientSettings } from './client-settings.ts';
import { createClient } from './client.ts';
import { explain, type Attempted, type Place } from './explain.ts';
import type { S3Location } from './location.ts';

export interface BucketOptions {
  readonly location: S3Location;
  readonly settings: StorageSettings;
  readonly client: ClientSettings;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly patience: BucketPatience;
}

export interface BucketPatience extends Patience {
  /** A connection over which nothing moves for so long is given up. */
  readonly stallMs: number;
  /** How long a last step that may already have been taken is given to end after an abort. */
  readonly graceMs: number;
}

/** What of the library a request gets: the options of its `send`. */
export interface Sending {
  readonly abortSignal: AbortSignal;
}

export type Act<T> = (client: S3Client, sending: Sending) => Promise<T>;

/** A bucket, and how it is asked. */
export interface Bucket extends Disposable {
  readonly name: string;
  readonly settings: StorageSettings;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly patience: BucketPatience;
  /** Whether the store heeds that something is to be written only if absent; some refuse, some ignore it silently. */
  conditional: 'unknown' | 'yes' | 'no';
  readonly place: Place;
  /** The name of an object in the bucket. */
  readonly nameOf: (key: string) => string;
  /** Asks until it is answered or patience ends; fails with what the library fails with. */
  ask<T>(act: Act<T>, signal: AbortSignal): Promise<T>;
  /** As `ask`, failing in words for people; `doing` is such as `cannot list`. */
  tell<T>(attempted: Attempted, act: Act<T>, signal: AbortSignal): Promise<T>;
}

export function openBucket(options: BucketOptions): Bucket {
  const { location, settings, clock, random, patience } = options;
  let client = createClient(options.client, patience.stallMs);
  const old: Promise<S3Client>[] = [];
  const renew = (): void => {
    old.push(client);
    client = createClient(options.client, patience.stallMs);
  };
  const attempts: Attempts = createAttempts({ clock, random, renew, ...patience });
  const place: Place = {
    scheme: location.scheme,
    bucket: location.bucket,
    root: location.root,
    endpoint: options.client.endpoint,
    region: options.client.region,
  };
  const ask: Bucket['ask'] = (act, signal) =>
    attempts.run(async () => act(await client, { abortSignal: signal }), signal);
  return {
    name: location.bucket,
    settings,
    clock,
    random,
    patience,
    // What Google's store makes of such a condition is not documented.
    conditional: location.scheme === 's3' ? 'unknown' : 'no',
    place,
    nameOf: (key) => `${location.root}${key}`,
    ask,
    tell: async (attempted, act, signal) => {
      try {
        return await ask(act, signal);
      } catch (error) {
        if (signal.aborted) throw signal.reason;
        throw explain(error, attempted, place, clock.now());
      }
    },
    [Symbol.dispose]: () => {
      for (const opened of [...old, client]) opened.then((made) => made.destroy()).catch(() => undefined);
    },
  };
}
