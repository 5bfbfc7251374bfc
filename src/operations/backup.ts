import type { Catalog } from '../core/catalog.ts';
import type { DumpOptions } from '../core/dump-options.ts';
import { DbopsError, hasCode, messageOf } from '../core/errors.ts';
import { createBackupId, keyIn, type BackupId, type TargetName } from '../core/ids.ts';
import type { FactLevel } from '../core/levels.ts';
import { MANIFEST_NAME, SUMS_NAME, type Manifest, type Part } from '../core/manifest.ts';
import type { Codec } from '../core/ports/codec.ts';
import type {
  DatabaseAddress,
  Dump,
  Engine,
  Examination,
  Inspection,
  PartSource,
  Probe,
  Source,
} from '../core/ports/engine.ts';
import type { Lease } from '../core/ports/lock.ts';
import type { Storage } from '../core/ports/storage.ts';
import { FUTURE_TOLERANCE_MS } from '../core/retention.ts';
import { byTime } from '../core/selector.ts';
import { clearInherited } from './clear-inherited.ts';
import { discard } from './discard.ts';
import { loadCatalog } from './load-catalog.ts';
import type { Ports } from './ports.ts';
import { checkSpace } from './preflight.ts';
import { publish } from './publish.ts';
import { openParts } from './read-parts.ts';
import { nameStored, readBack, storePart, type PartDestination } from './store-parts.ts';

export interface BackupRequest {
  readonly target: TargetName;
  /** True when a person chose the name in a configuration; a derived one may stand for two databases. */
  readonly named: boolean;
  readonly engine: Engine;
  readonly address: DatabaseAddress;
  readonly storage: Storage;
  readonly class: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly pinned: boolean;
  readonly codec: Codec | undefined;
  readonly facts: FactLevel;
  /** What of the database is dumped, and how. */
  readonly options: DumpOptions;
  /** Read every stored byte back before the backup is published. */
  readonly readBack: boolean;
  readonly lockWaitMs: number;
  /** Where the snapshot is collected; by default on the storage's disk, else in the temporary folder. */
  readonly scratchParent: string | undefined;
  readonly git: { readonly commit: string } | undefined;
  readonly signal: AbortSignal;
}

/**
 * Makes one backup. Resolves only when it is complete, durable, read back and described by its manifest; whatever
 * fails before that leaves nothing that any command would take for a backup.
 */
export async function backup(request: BackupRequest, ports: Ports): Promise<Manifest> {
  const { target, engine, address, storage, signal } = request;
  const startedAt = ports.clock.now();
  const id = createBackupId(startedAt, ports.random(4));
  await using source = await engine.open(address, { signal });
  const { probe } = source;
  ports.reporter.report({ type: 'backup.started', target, id, source: probe.database, storage: storage.label });
  await using lease = await ports.lockOf(storage).acquire(target, {
    purpose: 'backup',
    waitMs: request.lockWaitMs,
    signal,
    onWait: () => ports.reporter.report({ type: 'activity', target, activity: 'wait for lock' }),
    onReleaseFailure: (error) => warn(ports, target, `the lock stays behind: ${messageOf(error)}`),
  });
  const catalog = await loadCatalog(storage, { signal, target });
  await clearInherited(storage, target, lease, catalog, { signal });
  refuseUnfitCatalog(catalog, probe, request, startedAt, ports.host);
  const scratchParent = request.scratchParent ?? storage.traits.scratchParent ?? ports.temporaryFolder;
  await checkSpace({ probe, catalog, codec: request.codec, storage, scratchParent }, ports, signal);
  const manifest = await run({ request, ports, id, startedAt, source, lease, scratchParent });
  const durationMs = ports.clock.now().getTime() - startedAt.getTime();
  ports.reporter.report({ type: 'backup.finished', manifest, durationMs, storage: storage.label });
  return manifest;
}

interface Run {
  readonly request: BackupRequest;
  readonly ports: Ports;
  readonly id: BackupId;
  readonly startedAt: Date;
  readonly source: Source;
  readonly lease: Lease;
  readonly scratchParent: string;
}

async function run(context: Run): Promise<Manifest> {
  const { request, ports, id, scratchParent } = context;
  const { target, storage, signal } = request;
  await using scratch = await ports.openScratch(scratchParent);
  ports.reporter.report({ type: 'activity', target, activity: 'snapshot' });
  await using dump = await context.source.dump({
    scratch: scratch.folder,
    facts: request.facts,
    options: request.options,
    compression: request.codec === undefined ? undefined : { id: request.codec.id, level: request.codec.askedLevel },
    onProgress: (bytes, totalBytes) =>
      ports.reporter.report({ type: 'progress', activity: 'snapshot', bytes, totalBytes }),
  });
  const prefix = `${target}/${id}`;
  try {
    await context.lease.declare([id], { signal });
    const parts = await storeAll(dump, prefix, context);
    ports.reporter.report({ type: 'activity', target, activity: 'examine' });
    const examination = await dump.finish();
    const manifest = describe(context, dump, parts, examination);
    await publish({ storage, manifest, lease: context.lease, readBack: request.readBack, signal });
    await storage.pointLatest(target, id, { signal }).catch((error: unknown) => {
      warn(ports, target, `the link to the latest backup was not set: ${messageOf(error)}`);
    });
    context.lease.settle();
    return manifest;
  } catch (error) {
    await withdraw(context, dump, error);
    throw hasCode(error, 'NO_SPACE') ? storageFull(error) : error;
  }
}

async function storeAll(dump: Dump, prefix: string, { request, ports }: Run): Promise<Part[]> {
  const { target, storage, signal, codec } = request;
  const destination: PartDestination = {
    storage,
    prefix,
    codec,
    signal,
    onProgress: (activity, bytes) =>
      ports.reporter.report({ type: 'progress', activity, bytes, totalBytes: undefined }),
  };
  ports.reporter.report({ type: 'activity', target, activity: 'store' });
  const parts: Part[] = [];
  for (const part of dump.parts) parts.push(await storePart(part, destination));
  if (!request.readBack) return parts;
  ports.reporter.report({ type: 'activity', target, activity: 'read back' });
  const depth = await depthFor(dump, codec);
  // Whoever inspects all of it reads every byte back.
  if (depth !== 'whole') for (const part of parts) await readBack(part, destination);
  if (depth !== undefined) await inspectStored(openParts(storage, prefix, parts, ports.codecs), depth, request);
  return parts;
}

/** What went through a program that may have lost some of it is inspected as a whole. */
async function depthFor({ inspection, parts }: Dump, codec: Codec | undefined): Promise<Inspection | undefined> {
  if (inspection !== 'contents' || codec === undefined) return inspection;
  const encoded = parts.some(({ compressed }) => compressed !== true);
  return encoded && !(await codec.isSure()) ? 'whole' : inspection;
}

async function inspectStored(parts: PartSource, depth: Inspection, { engine, signal }: BackupRequest): Promise<void> {
  const problems = await engine.inspect(parts, depth, { signal });
  if (problems.length === 0) return;
  throw new DbopsError('VERIFY_FAILED', `what was stored is not a whole backup: ${problems.join('; ')}`, {
    hint: 'Nothing was published. Check the programs that made it and the disk, then run the backup again.',
  });
}

function describe(
  { request, ports, id, startedAt, source: { probe } }: Run,
  dump: Dump,
  parts: readonly Part[],
  found: Examination,
): Manifest {
  if (found.facts === undefined || found.problems.length > 0) {
    throw new DbopsError('DAMAGED', `${probe.database} is damaged: ${found.problems.join('; ')}`, {
      hint: 'Nothing was stored. Restore the last good backup (`dbops list`), and check the disk.',
    });
  }
  const warnings = [...probe.warnings, ...found.warnings];
  for (const message of warnings) warn(ports, request.target, message);
  return {
    formatVersion: 1,
    id,
    target: request.target,
    engine: request.engine.name,
    class: request.class,
    tags: { ...request.tags },
    pinned: request.pinned,
    startedAt: startedAt.toISOString(),
    finishedAt: ports.clock.now().toISOString(),
    source: {
      database: probe.database,
      host: ports.host,
      serverVersion: probe.serverVersion,
      bytes: probe.bytes,
      settings: { ...probe.settings },
    },
    tools: { dbops: ports.version, ...dump.tools },
    options: { facts: request.facts, readBack: request.readBack, ...request.options },
    parts: [...parts],
    facts: found.facts,
    warnings,
    ...(request.git === undefined ? {} : { git: request.git }),
  };
}

function storageFull(error: Error): DbopsError {
  return new DbopsError('NO_SPACE', error.message, {
    hint: 'Nothing was published. Free space there, remove old backups with `dbops prune`, or use another --storage.',
    cause: error,
  });
}

/** Takes back what a failed run stored. What cannot be taken back is litter, and the next run removes it. */
async function withdraw({ request, ports, id, lease }: Run, dump: Dump, reason: unknown): Promise<void> {
  const { storage, codec, target } = request;
  const names = [MANIFEST_NAME, SUMS_NAME, ...dump.parts.map((part) => nameStored(part, codec))];
  const options = { signal: new AbortController().signal };
  try {
    await discard(
      storage,
      names.map((name) => keyIn(`${target}/${id}`, name)),
      options,
    );
    lease.settle();
  } catch (error) {
    warn(ports, target, `after ${messageOf(reason)}: what was stored could not be removed: ${messageOf(error)}`);
  }
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

function warn(ports: Ports, subject: string, message: string): void {
  ports.reporter.report({ type: 'warning', subject, message });
}
