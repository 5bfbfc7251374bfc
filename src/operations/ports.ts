import type { Clock, RandomBytes } from '../core/ports/clock.ts';
import type { Codecs } from '../core/ports/codec.ts';
import type { Engine } from '../core/ports/engine.ts';
import type { Lock } from '../core/ports/lock.ts';
import type { MigrationFolder } from '../core/ports/migration-folder.ts';
import type { MigrationEngine } from '../core/ports/migration-target.ts';
import type { Reporter } from '../core/ports/reporter.ts';
import type { OpenScratch } from '../core/ports/scratch.ts';
import type { Storage } from '../core/ports/storage.ts';

/** The world as operations see it; main.ts makes one, tests make others. */
export interface Ports {
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly reporter: Reporter;
  readonly codecs: Codecs;
  readonly openScratch: OpenScratch;
  /** Bytes free on the disk of a folder, or of its nearest parent that exists; undefined when that cannot be known. */
  readonly freeBytes: (folder: string) => Promise<number | undefined>;
  readonly lockOf: (storage: Storage) => Lock;
  /** Fails with CONFIG_INVALID for a name that this dbops does not know. */
  readonly engineByName: (name: string) => Promise<Engine>;
  /** The engine whose files begin like this, if any. */
  readonly engineByHead: (head: Uint8Array) => Promise<Engine | undefined>;
  /** The engine one of whose dumps is a folder of such files, if any. */
  readonly engineByFolder: (names: readonly string[]) => Promise<Engine | undefined>;
  /** What migrates the databases of an engine. */
  readonly migrationsByName: (name: string) => Promise<MigrationEngine>;
  readonly migrationFolder: (path: string) => MigrationFolder;
  /** Parent of scratch folders where neither the user nor the storage names one. */
  readonly temporaryFolder: string;
  /** Name of this machine, for records. */
  readonly host: string;
  /** Version of dbops. */
  readonly version: string;
}
