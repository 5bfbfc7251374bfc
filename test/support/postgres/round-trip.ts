import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DumpOptions } from '../../../src/core/dump-options.ts';
import type { AppEvent } from '../../../src/core/events.ts';
import type { Facts } from '../../../src/core/facts.ts';
import type { FactLevel, VerifyLevel } from '../../../src/core/levels.ts';
import {
  MANIFEST_NAME,
  serializeManifest,
  serializeSums,
  SUMS_NAME,
  type Manifest,
} from '../../../src/core/manifest.ts';
import type { Check, DatabaseAddress, RestoreOptions } from '../../../src/core/ports/engine.ts';
import type { Verification } from '../../../src/core/records.ts';
import { backup } from '../../../src/operations/backup.ts';
import type { Ports } from '../../../src/operations/ports.ts';
import { findBackup, openStored } from '../../../src/operations/restorable.ts';
import { restore, type RestoreResult } from '../../../src/operations/restore.ts';
import { verify } from '../../../src/operations/verify.ts';
import { createLocalStorage } from '../../../src/storage/local/local-storage.ts';
import { app, patient } from '../operations.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { createTestPorts } from '../test-ports.ts';
import type { Cluster } from './cluster.ts';

export interface BackupWish {
  readonly options?: DumpOptions;
  readonly codec?: 'zstd' | 'gzip' | 'none';
  readonly facts?: FactLevel;
  /** Where pg_dump is taken from; the server's own without it. */
  readonly client?: string;
}

/** One that shows its facts. */
type OpenManifest = Manifest & { readonly facts: Facts };

/** A place for backups, and what backup, verify and restore do with it, as the command line would. */
export interface Depot {
  /** Holds `app/<id>/…`. */
  readonly folder: string;
  readonly ports: Ports;
  /** All that was reported so far. */
  readonly events: readonly AppEvent[];
  backUp(cluster: Cluster, database: string, wish?: BackupWish): Promise<OpenManifest>;
  /** On a throw-away server of these programs. */
  verify(manifest: Manifest, binDir: string, level?: VerifyLevel, checks?: readonly Check[]): Promise<Verification>;
  /** Lets the manifest claim other facts, as if they had been recorded. */
  forge(manifest: Manifest, facts: Facts): Promise<void>;
  restore(
    manifest: Manifest,
    cluster: Cluster,
    database: string,
    options?: RestoreOptions,
    checks?: readonly Check[],
  ): Promise<RestoreResult>;
}

export async function openDepot(): Promise<Depot> {
  const folder = await temporaryFolder();
  const { ports, events } = createTestPorts({ temporaryFolder: await temporaryFolder(), path: '/usr/bin:/bin' });
  const stored = async (manifest: Manifest) => {
    const storage = createLocalStorage(folder);
    return openStored(
      { storage, backup: await findBackup(storage, { name: manifest.id }, ports, { signal: patient }) },
      ports,
    );
  };
  return {
    folder,
    ports,
    events,
    backUp: async (cluster, database, wish = {}) => {
      await using storage = createLocalStorage(folder);
      const { manifest, facts } = await backup(
        {
          target: app,
          named: true,
          engine: await ports.engineByName('postgres'),
          address: addressOf(cluster, database, wish.client),
          storages: [{ storage }],
          class: 'daily',
          tags: {},
          pinned: false,
          codec: wish.codec === 'none' ? undefined : ports.codecs.parse(wish.codec ?? 'zstd'),
          facts: wish.facts ?? 'content',
          options: wish.options ?? {},
          readBack: true,
          lockWaitMs: 0,
          scratchParent: undefined,
          git: undefined,
          signal: patient,
        },
        ports,
      );
      return { ...manifest, facts };
    },
    verify: async (manifest, binDir, level = 'restore', checks = []) => {
      const bench = { server: undefined, binDir };
      return verify(
        { subject: await stored(manifest), level, checks, scratchParent: undefined, bench, signal: patient },
        ports,
      );
    },
    forge: async (manifest, facts) => {
      const at = join(folder, manifest.target, manifest.id);
      const bytes = serializeManifest({ ...manifest, facts });
      await writeFile(join(at, MANIFEST_NAME), bytes);
      await writeFile(join(at, SUMS_NAME), serializeSums(manifest, createHash('sha256').update(bytes).digest('hex')));
    },
    restore: async (manifest, cluster, database, options = {}, checks = []) =>
      restore(
        {
          subject: await stored(manifest),
          destination: addressOf(cluster, database),
          replace: false,
          allowOpen: false,
          checks,
          options,
          signal: patient,
        },
        ports,
      ),
  };
}

/** An address by which only programs of one folder are used. */
export function addressOf(cluster: Cluster, database: string, binDir = cluster.binDir): DatabaseAddress {
  return { location: cluster.url(database), lockTimeoutMs: 10_000, access: { binDir } };
}
