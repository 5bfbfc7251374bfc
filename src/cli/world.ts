import type { KeySources } from '../core/encryption.ts';
import type { LogLevel } from '../core/levels.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { Codecs } from '../core/ports/codec.ts';
import type { DatabaseAddress } from '../core/ports/engine.ts';
import type { Keyring } from '../core/ports/keys.ts';
import type { Reporter } from '../core/ports/reporter.ts';
import type { Storage } from '../core/ports/storage.ts';
import type { StorageAddress } from '../core/storage-settings.ts';
import type { Ports } from '../operations/ports.ts';
import type { EventLog } from '../report/log-reporter.ts';
import type { Host } from './host.ts';

/** The adapters, as the command line sees them; main.ts knows which they are. */
export interface World {
  readonly clock: Clock;
  createPorts(options: { readonly reporter: Reporter; readonly host: Host }): Ports;
  /** The keys in these places; secrets that are found there are hidden from all output. */
  createKeyring(sources: KeySources, host: Host, hide: (secret: string) => void): Keyring;
  /** Codecs that encrypt and decrypt with these keys. */
  createCodecs(host: Host, keyring: Keyring): Codecs;
  /** @throws DbopsError REFUSED when the file is there; without one nothing is written. */
  generateKey(file: string | undefined): Promise<GeneratedKey>;
  openStorage(address: StorageAddress, host: Host, log: (call: object) => void): Promise<Storage>;
  openLog(options: LogChoice): EventLog;
  /** @throws DbopsError USAGE */
  engineForAddress(address: string): EngineChoice;
}

export interface GeneratedKey {
  /** The public key. */
  readonly recipient: string;
  /** What a file of the secret key holds. */
  readonly text: string;
}

export interface EngineChoice {
  readonly name: string;
  locate(address: string, folder: string, database?: string): Pick<DatabaseAddress, 'location' | 'password'>;
  readonly places: 'file' | 'server';
  isSame(one: string, other: string, environment: Host['env']): boolean;
  nameOf(location: string): string;
}

export interface LogChoice {
  readonly level: LogLevel;
  /** Appended to; without one, lines go to `fallback`. */
  readonly file: string | undefined;
  readonly fallback: (line: string) => void;
  readonly redact: (text: string) => string;
}
