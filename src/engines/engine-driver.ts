import type { Codecs } from '../core/ports/codec.ts';
import type { DatabaseAddress, Engine } from '../core/ports/engine.ts';
import type { MigrationEngine } from '../core/ports/migration-target.ts';

/** What dbops has to know of a kind of database before it loads it. */
export interface EngineDriver {
  readonly name: string;
  /** Whether a target's address belongs to this engine, judged by its form alone. */
  claims(address: string): boolean;
  /** Whether a file starts like one of this engine's, after decompression. */
  recognises(head: Uint8Array): boolean;
  /** Whether files of these names in one folder are one of this engine's dumps. */
  recognisesFolder(names: readonly string[]): boolean;
  /** The address in the engine's own form; relative paths start at `folder`. `database` names another one of its server. */
  locate(address: string, folder: string, database?: string): Location;
  /** What an address leads to: a file of this machine, or a database of a server. */
  readonly places: 'file' | 'server';
  /** Whether two locations on servers lead to one database, as far as they tell; unused where they are files. */
  isSame(one: string, other: string, environment: EngineHost['environment']): boolean;
  /** A short name for a target that has none in the configuration. */
  nameOf(location: string): string;
  load(host: EngineHost): Promise<Engine>;
  /** What migrates such databases. */
  loadMigrations(host: EngineHost): Promise<MigrationEngine>;
}

export type Location = Pick<DatabaseAddress, 'location' | 'password'>;

/** What an engine may know of the process it runs in. */
export interface EngineHost {
  /** Finds the programs, and holds settings that belong to addresses, such as PGHOST. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly temporaryFolder: string;
  readonly codecs: Codecs;
}
