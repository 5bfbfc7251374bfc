import type { Catalog } from '../core/catalog.ts';
import { DbopsError, hasCode, messageOf } from '../core/errors.ts';
import type { Facts } from '../core/facts.ts';
import { createBackupId, keyIn, type BackupId } from '../core/ids.ts';
import { MANIFEST_NAME, SUMS_NAME, type Manifest, type Part } from '../core/manifest.ts';
import type { Dump, Probe, Source } from '../core/ports/engine.ts';
import type { Storage } from '../core/ports/storage.ts';
import { FUTURE_TOLERANCE_MS } from '../core/retention.ts';
import { byTime } from '../core/selector.ts';
import type { BackupRequest } from './backup-request.ts';
import { describeBackup } from './describe-backup.ts';
import { openDestinations, type Destination, type Destinations } from './destinations.ts';
import { discard, patienceToTakeBack } from './discard.ts';
import type { Wrapping } from './encode.ts';
import type { Ports } from './ports.ts';
import { checkSpace, estimateStored, placeScratch } from './preflight.ts';
import { depthFor, proveStored } from './prove-stored.ts';
import { publish } from './publish.ts';
import { openScratchPlace } from './scratch-place.ts';
import { detailsPart, sealDetails } from './seal-details.ts';
import { nameStored, storePart, type PartRequest } from './store-parts.ts';
import { warn } from './warn.ts';

export interface BackupResult {
  /** As it is stored. */
  readonly manifest: Manifest;
  /** What its details say, where they are encrypted. */
  readonly facts: Facts;
  /** The storages that did not get it, each with the reason; at least one has got it. */
  readonly failures: ReadonlyMap<Storage, unknown>;
}

/**
 * Makes one backup, the same in every storage. Resolves only when it is complete, durable, read back and described by its
 * manifest in at least one of them; whatever fails before that leaves nothing that any command would take for a backup.
 */
export async function backup(request: BackupRequest, ports: Ports): Promise<BackupResult> {
  const { target, engine, address, storages, lockWaitMs, signal } = request;
  const startedAt = ports.clock.now();
  const id = createBackupId(startedAt, ports.random(4));
  await using source = await engine.open(address, { signal });
  const { probe } = source;
  const labels = storages.map(({ storage }) => storage.label).join(', ');
  ports.reporter.report({ type: 'backup.started', target, id, source: probe.database, storage: labels });
  const bytesIn = ({ catalog }: Destination): number => estimateStored(probe, catalog, request.codec);
  const refuseUnfit = async (destination: Destination): Promise<void> => {
    refuseUnfitCatalog(destination.catalog, probe, request, startedAt, ports.host);
    await checkSpace(destination, bytesIn(destination), { signal });
  };
  await using destinations = await openDestinations({ target, storages, lockWaitMs, refuseUnfit, signal }, ports);
  const scratchParent = await placeScratch(request, probe, destinations, bytesIn, ports);
  const published = new Set<Destination>();
  const { manifest, facts } = await run({
    request,
    ports,
    id,
    startedAt,
    source,
    destinations,
    published,
    scratchParent,
  });
  const durationMs = ports.clock.now().getTime() - startedAt.getTime();
  const reached = destinations.remaining().map(({ storage }) => storage.label);
  ports.reporter.report({ type: 'backup.finished', manifest, durationMs, storage: reached.join(', ') });
  return { manifest, facts, failures: destinations.failures() };
}

interface Run {
  readonly request: BackupRequest;
  readonly ports: Ports;
  readonly id: BackupId;
  readonly startedAt: Date;
  readonly source: Source;
  readonly destinations: Destinations;
  /** Where the backup is complete, whatever happens elsewhere. */
  readonly published: Set<Destination>;
  readonly scratchParent: string | undefined;
}

async function run(context: Run): Promise<Pick<BackupResult, 'manifest' | 'facts'>> {
  const { request, ports, id, scratchParent, destinations } = context;
  const { target, encryption, signal } = request;
  await using place = await openScratchPlace(encryption !== undefined, scratchParent, ports);
  ports.reporter.report({ type: 'activity', target, activity: 'snapshot' });
  await using dump = await context.source.dump({
    scratch: place.scratch,
    facts: request.facts,
    options: request.options,
    compression: request.codec === undefined ? undefined : { id: request.codec.id, level: request.codec.askedLevel },
    onProgress: (bytes, totalBytes) =>
      ports.reporter.report({ type: 'progress', activity: 'snapshot', bytes, totalBytes }),
  });
  try {
    await destinations.each(({ lease }) => lease.declare([id], { signal }));
    const parts = await storeAll(dump, context);
    ports.reporter.report({ type: 'activity', target, activity: 'examine' });
    const described = describeBackup(
      { ...context, probe: context.source.probe, dump, parts, found: await dump.finish() },
      ports,
    );
    const manifest =
      encryption?.facts === 'sealed' ? await sealDetails(described, partRequest(context), request.readBack) : described;
    await destinations.each((destination) => complete(destination, manifest, context));
    await withdraw(context, dump);
    return { manifest, facts: described.facts };
  } catch (error) {
    await withdraw(context, dump);
    throw hasCode(error, 'NO_SPACE') ? storageFull(error) : error;
  }
}

async function complete(destination: Destination, manifest: Manifest, context: Run): Promise<void> {
  const { storage, lease, lockUntil } = destination;
  const { readBack, signal } = context.request;
  await publish({ storage, manifest, lease, readBack, lockUntil, signal });
  context.published.add(destination);
  await storage.pointLatest(manifest.target, manifest.id, { signal }).catch((error: unknown) => {
    warn(context.ports, manifest.target, `the link to the latest backup was not set: ${messageOf(error)}`);
  });
  lease.settle();
}

async function storeAll(dump: Dump, context: Run): Promise<Part[]> {
  const { request, ports } = context;
  const doubtful = (await depthFor(dump, request.codec)) === 'whole';
  const stored = partRequest(context, doubtful);
  ports.reporter.report({ type: 'activity', target: request.target, activity: 'store' });
  const parts: Part[] = [];
  for (const part of dump.parts) parts.push(await storePart(part, stored));
  if (!request.readBack) return parts;
  ports.reporter.report({ type: 'activity', target: request.target, activity: 'read back' });
  await proveStored(parts, dump, stored, request, ports);
  return parts;
}

function partRequest({ request, ports, id, source, destinations }: Run, doubtful = false): PartRequest {
  const { target, signal, codec } = request;
  return {
    destinations,
    prefix: `${target}/${id}`,
    wrapping: { ...wrappingOf(request), doubtful },
    expectedBytes: estimateStored(source.probe, destinations.remaining()[0]?.catalog, codec),
    signal,
    onProgress: (activity, bytes) =>
      ports.reporter.report({ type: 'progress', activity, bytes, totalBytes: undefined }),
  };
}

function wrappingOf({ codec, encryption }: BackupRequest): Wrapping {
  return { compression: codec, cipher: encryption?.cipher, unseen: encryption?.opens === false, doubtful: false };
}

function storageFull(error: Error): DbopsError {
  return new DbopsError('NO_SPACE', error.message, {
    hint: 'Nothing was published. Free space there, remove old backups with `dbops prune`, or use another --storage.',
    cause: error,
  });
}

/**
 * Takes back what was stored where it failed. What cannot be taken back is litter, and the next run removes it. A storage
 * that does not answer any more is given up soon, and those that have their backup are free before that.
 */
async function withdraw({ request, ports, id, destinations, published }: Run, dump: Dump): Promise<void> {
  const { target } = request;
  const wrapping = wrappingOf(request);
  const made = [...dump.parts, ...(wrapping.cipher === undefined ? [] : [detailsPart(Buffer.alloc(0))])];
  const names = [MANIFEST_NAME, SUMS_NAME, ...made.map((part) => nameStored(part, wrapping))];
  const keys = names.map((name) => keyIn(`${target}/${id}`, name));
  const failed = destinations.opened().filter((opened) => !published.has(opened));
  if (failed.length === 0) return;
  using options = patienceToTakeBack(ports.clock);
  const takeBack = async ({ storage, lease }: Destination): Promise<void> => {
    try {
      await discard(storage, keys, options);
      lease.settle();
    } catch (error) {
      warn(ports, target, `what was stored in ${storage.label} could not be removed: ${messageOf(error)}`);
    }
    await lease.release(options);
  };
  await Promise.all([...failed.map(takeBack), ...[...published].map(({ lease }) => lease.release(options))]);
}

function refuseUnfitCatalog({ backups }: Catalog, probe: Probe, request: BackupRequest, now: Date, host: string): void {
  const newest = backups.toSorted(byTime).at(-1);
  if (newest === undefined) return;
  const { id, finishedAt, source } = newest.manifest;
  if (Date.parse(finishedAt) > now.getTime() + FUTURE_TOLERANCE_MS) {
    throw new DbopsError(
      'REFUSED',
      `the newest backup ${id} is from ${finishedAt}, after the present ${now.toISOString()}`,
      {
        hint: 'Set the clock right. If it was wrong when that backup was made, move its folder out of the storage.',
      },
    );
  }
  if (!request.named && source.host === host && source.database !== probe.database) {
    throw new DbopsError('REFUSED', `${request.target} holds backups of ${source.database}, not of ${probe.database}`, {
      hint: 'Give each database a name of its own under targets: in dbops.yaml (`dbops init` writes one).',
    });
  }
}
