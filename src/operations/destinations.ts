import type { Catalog } from '../core/catalog.ts';
import { messageOf } from '../core/errors.ts';
import type { TargetName } from '../core/ids.ts';
import type { Lease } from '../core/ports/lock.ts';
import type { CallOptions, Storage } from '../core/ports/storage.ts';
import { holdTarget } from './hold-target.ts';
import type { Ports } from './ports.ts';
import { warn } from './warn.ts';

/** A storage that a backup is made for. */
export interface DestinationRequest {
  readonly storage: Storage;
  /** Until when what is stored there is locked; undefined for not at all. */
  readonly lockUntil?: Date | 'forever' | undefined;
}

/** One of them while the backup is made: locked, and what a dead run left there cleared. */
export interface Destination extends DestinationRequest {
  readonly lease: Lease;
  readonly catalog: Catalog;
}

/** The storages of one backup. What fails in one of them leaves the others alone; what fails in all of them fails the run. */
export interface Destinations extends AsyncDisposable {
  /** Those that have not failed, in the order in which they were named; never empty. */
  remaining(): readonly Destination[];
  /** Those that were opened, with those that have failed since. */
  opened(): readonly Destination[];
  /** Why storages failed, also those that could not be opened. */
  failures(): ReadonlyMap<Storage, unknown>;
  /** Acts on each that remains, at once, and goes on with those where it worked. */
  each(act: (destination: Destination) => Promise<void>): Promise<void>;
  /** @throws the first failure, when none remains. */
  fail(destination: DestinationRequest, error: unknown): void;
}

export interface OpenRequest extends CallOptions {
  readonly target: TargetName;
  readonly storages: readonly DestinationRequest[];
  readonly lockWaitMs: number;
  /** Fails for a storage that the backup must not go into. */
  readonly refuseUnfit: (destination: Destination) => Promise<void>;
}

/** Locks the target in every storage. In one order everywhere: two runs must not wait for each other. */
export async function openDestinations(request: OpenRequest, ports: Ports): Promise<Destinations> {
  const opened: Destination[] = [];
  const failures = new Map<Storage, unknown>();
  const inOrder = (): Destination[] =>
    request.storages.flatMap(({ storage }) => opened.find((destination) => destination.storage === storage) ?? []);
  const remaining = (): Destination[] => inOrder().filter(({ storage }) => !failures.has(storage));
  const failAll = (failed: ReadonlyMap<Storage, unknown>): void => {
    request.signal.throwIfAborted();
    for (const [storage, error] of failed) failures.set(storage, error);
    const [first] = request.storages;
    // The first that was named is the one that people look at.
    if (failures.size === request.storages.length && first !== undefined) throw failures.get(first.storage);
    for (const [{ label }, error] of failed) {
      warn(ports, request.target, `${label} gets no backup: ${messageOf(error)}`);
    }
  };
  const destinations: Destinations = {
    remaining,
    opened: () => opened,
    failures: () => failures,
    fail: ({ storage }, error) => failAll(new Map([[storage, error]])),
    each: async (act) => {
      const failed = new Map<Storage, unknown>();
      await Promise.all(
        remaining().map((destination) =>
          act(destination).catch((error: unknown) => failed.set(destination.storage, error)),
        ),
      );
      if (failed.size > 0) failAll(failed);
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(opened.map(({ lease }) => lease[Symbol.asyncDispose]()));
    },
  };
  try {
    for (const wanted of request.storages.toSorted((a, b) => (a.storage.label < b.storage.label ? -1 : 1))) {
      try {
        await open(wanted, opened, request, ports);
      } catch (error) {
        destinations.fail(wanted, error);
      }
    }
  } catch (error) {
    await destinations[Symbol.asyncDispose]();
    throw error;
  }
  return destinations;
}

async function open(
  wanted: DestinationRequest,
  opened: Destination[],
  request: OpenRequest,
  ports: Ports,
): Promise<void> {
  const { lease, catalog } = await holdTarget({ ...request, storage: wanted.storage, purpose: 'backup' }, ports);
  try {
    const destination = { ...wanted, lease, catalog };
    await request.refuseUnfit(destination);
    opened.push(destination);
  } catch (error) {
    await lease[Symbol.asyncDispose]();
    throw error;
  }
}
