import type { DumpOptions } from '../core/dump-options.ts';
import type { FactsShown } from '../core/encryption.ts';
import type { TargetName } from '../core/ids.ts';
import type { FactLevel } from '../core/levels.ts';
import type { Codec } from '../core/ports/codec.ts';
import type { DatabaseAddress, Engine } from '../core/ports/engine.ts';
import type { DestinationRequest } from './destinations.ts';

/** What is backed up, where to and how. */
export interface BackupRequest {
  readonly target: TargetName;
  /** True when a person chose the name in a configuration; a derived one may stand for two databases. */
  readonly named: boolean;
  readonly engine: Engine;
  readonly address: DatabaseAddress;
  /** At least one; one dump goes into all of them. */
  readonly storages: readonly DestinationRequest[];
  readonly class: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly pinned: boolean;
  readonly codec: Codec | undefined;
  /** How it is encrypted; undefined for not at all. */
  readonly encryption?: BackupEncryption | undefined;
  readonly facts: FactLevel;
  /** What of the database is dumped, and how. */
  readonly options: DumpOptions;
  /** Read every stored byte back before the backup is published. */
  readonly readBack: boolean;
  readonly lockWaitMs: number;
  /**
   * Where the snapshot is collected; by default on the disk of a storage, else in the temporary folder. Where the backup is
   * encrypted: on the disk of the database, else nowhere.
   */
  readonly scratchParent: string | undefined;
  readonly git: { readonly commit: string } | undefined;
  readonly signal: AbortSignal;
}

export interface BackupEncryption {
  readonly cipher: Codec;
  /** Undefined for a passphrase. */
  readonly recipients: readonly string[] | undefined;
  /** Whether the manifest shows what tells of the content. */
  readonly facts: FactsShown;
  /** Whether this run has the key that opens it again, so that it can look into what it has stored. */
  readonly opens: boolean;
}
