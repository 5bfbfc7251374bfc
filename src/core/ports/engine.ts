import type { Readable } from 'node:stream';
import type { DumpOptions } from '../dump-options.ts';
import type { ComparableFacts, Facts } from '../facts.ts';
import type { FactLevel } from '../levels.ts';
import type { ByteSource } from './codec.ts';
import type { CallOptions } from './storage.ts';

/** SQL that must return no rows. */
export interface Check {
  readonly name: string;
  readonly sql: string;
}

export interface CheckResult {
  readonly name: string;
  readonly ok: boolean;
  /** Rows returned, counted up to a small bound. */
  readonly rows: number;
  /** What went wrong, when the statement itself failed. */
  readonly error?: string;
}

export interface ScratchPlace {
  /**
   * A private folder for temporary files. Undefined where content must not touch a disk, because it is encrypted and nobody
   * named a place: what cannot be done without one is refused, by `scratchOf`.
   */
  readonly scratch: string | undefined;
}

/** One database, as the engine's own kind of address. */
export interface DatabaseAddress {
  /** Fit to be shown: for SQLite an absolute path, for PostgreSQL a URI without a password. */
  readonly location: string;
  /** Never shown, and given to programs by their environment or input only. */
  readonly password?: string;
  /** How long to wait for locks held by others. */
  readonly lockTimeoutMs: number;
  readonly access?: DatabaseAccess;
}

/** The way to a database that is not reached by its address alone. */
export interface DatabaseAccess {
  /** Words before the database's own programs, which then run elsewhere: `docker compose exec -T db`. */
  readonly via?: readonly string[];
  /** The only folder in which the database's programs are looked for. */
  readonly binDir?: string;
}

/** What can be known without reading the data. */
export interface Probe {
  /** As shown to people and recorded in the manifest; holds no secrets. */
  readonly database: string;
  readonly serverVersion: string;
  /** Size of the database. */
  readonly bytes: number;
  /** Bytes of scratch space that a dump needs. */
  readonly scratchBytes: number;
  /** A folder on the disk that holds the database, where that is a disk of this machine. */
  readonly scratchParent?: string;
  /** Settings of the source that a dump does not hold, such as SQLite's journal mode; a restore puts them back. */
  readonly settings: Readonly<Record<string, string | number | boolean>>;
  readonly warnings: readonly string[];
}

export interface DumpPart {
  /** Name before codecs: `app.db`. */
  readonly name: string;
  readonly source: ByteSource;
  /** True when the producer has compressed it, in a format of its own: no codec is put around it. */
  readonly compressed?: boolean;
  /**
   * Starts to look at its bytes on their way, for whoever cannot read them again once they are stored. Costs a detour of a
   * program's output through this process.
   */
  readonly watch?: () => ContentWatch;
  /** By codec id, the level that suits this content where nobody asked for a certain one. */
  readonly levels?: Readonly<Record<string, number>>;
}

export interface ContentWatch {
  update(chunk: Uint8Array): void;
  /** Why the bytes so far cannot be all of the content; undefined when nothing speaks against it. */
  problem(): string | undefined;
}

/** What examining a database or a copy of one found. */
export interface Examination {
  /** Undefined when its problems made reading it pointless. */
  readonly facts: Facts | undefined;
  /** Reasons not to trust it. */
  readonly problems: readonly string[];
  /** Worth saying, but part of what was backed up. */
  readonly warnings: readonly string[];
  readonly checks: readonly CheckResult[];
  /** What of recorded facts can be compared with these, where another version of a server or of dbops read them. */
  readonly comparable?: (recorded: Facts) => Comparable;
}

export interface Comparable {
  readonly facts: ComparableFacts;
  /** What cannot be compared although it was recorded. */
  readonly warnings: readonly string[];
}

/**
 * How deep decoded parts are inspected: whether they begin as they should and what they say they hold is there, or all of
 * them to the last byte.
 */
export type Inspection = 'contents' | 'whole';

/** One dump in flight: a frozen snapshot. Disposing ends children and frees scratch files, whatever happened. */
export interface Dump extends AsyncDisposable {
  /** Versions of the programs that made it. */
  readonly tools: Readonly<Record<string, string>>;
  readonly parts: readonly DumpPart[];
  /** How what was stored of the parts is inspected before it is published; undefined where its digests say it all. */
  readonly inspection?: Inspection;
  /**
   * Resolves once the producer has ended well and the snapshot was examined; rejects otherwise. Runs beside the
   * storing of parts, and nothing may be published before it resolved.
   */
  finish(): Promise<Examination>;
}

/** An opened database. Disposing ends what was started for it; so does aborting the signal it was opened with. */
export interface Source extends AsyncDisposable {
  readonly probe: Probe;
  /** At most one, and not after disposing. */
  dump(request: DumpRequest): Promise<Dump>;
}

export interface DumpRequest extends ScratchPlace {
  readonly facts: FactLevel;
  readonly options: DumpOptions;
  /** Which codec the parts will go through; a producer that does the same as well may do it itself. */
  readonly compression: Compression | undefined;
  readonly onProgress: (bytes: number, totalBytes: number) => void;
}

export interface Compression {
  readonly id: string;
  /** Undefined when nobody asked for a certain one. */
  readonly level: number | undefined;
}

export interface PartInfo {
  readonly name: string;
  /** The name without what its codecs put behind it: what its content would be called as a file. */
  readonly decodedName: string;
  readonly bytes: number | undefined;
}

/** The decoded parts of one backup; every stream fails at its end when what was recorded of its bytes is not true of them. */
export interface PartSource {
  readonly parts: readonly PartInfo[];
  open(name: string, options: CallOptions): Promise<Readable>;
}

export interface ExamineRequest extends CallOptions {
  readonly facts: FactLevel;
  readonly checks: readonly Check[];
}

export interface Promotion {
  /** Where the database that was replaced is kept, if there was one. */
  readonly kept: string | undefined;
  /** The line that puts the old one back, fit for a shell. */
  readonly undo: string | undefined;
  /** The line that removes the old one for good, fit for a shell. */
  readonly drop: string | undefined;
  readonly warnings: readonly string[];
}

/** A restored copy standing beside its destination. Disposing removes it unless it was promoted. */
export interface Staging extends AsyncDisposable {
  examine(request: ExamineRequest): Promise<Examination>;
  /** Puts the copy in the destination's place in one step, and keeps what was there. */
  promote(request: PromoteRequest): Promise<Promotion>;
}

export interface PromoteRequest extends CallOptions {
  /** What `Probe.settings` recorded, as far as it is known. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Replace although another process uses the destination. */
  readonly allowOpen: boolean;
  /** Remove the old database when the new one is in place. */
  readonly dropOld?: boolean;
  /** `20261120T020000Z`, part of the kept database's name. */
  readonly stamp: string;
}

export interface TableRestoreRequest extends CallOptions, ScratchPlace {
  readonly tables: readonly string[];
  /** Replace tables that exist. */
  readonly overwrite: boolean;
  readonly stamp: string;
}

export interface TableRestoreResult {
  readonly tables: readonly { readonly name: string; readonly rows: number }[];
  readonly kept: string | undefined;
  readonly warnings: readonly string[];
}

/** What a destination looks like before anything is done to it. */
export interface DestinationState {
  readonly exists: boolean;
  readonly bytes: number;
  /** Other processes that use it, in words. */
  readonly users: readonly string[];
  /** Bytes free where a copy would be staged. */
  readonly freeBytes: number | undefined;
  /** A folder on the destination's own disk, for the staged copy; undefined where that is on another machine. */
  readonly scratchParent: string | undefined;
  /** Where the copy is made, in words. */
  readonly stagedAs: string;
  /** What the present database is called afterwards. */
  keptAs(stamp: string): string;
}

/**
 * A kind of database. Stateless: every call gets the address it works on. Long calls take the signal, stop what they
 * started when it is aborted, and fail with `DbopsError`s: SOURCE_REFUSED, DAMAGED, NO_SPACE, REFUSED, TOOL_MISSING, and
 * TOOL_FAILED when a program that it started died, which says nothing about the data. A staged copy whose content is no
 * sound database is DAMAGED.
 */
export interface Engine {
  readonly name: string;
  /** The databases of a server that an address leads to. */
  databases(source: DatabaseAddress, options: CallOptions): Promise<readonly string[]>;
  /** Opens a database for reading; what a probe and a dump need (a process, a connection) is started once. */
  open(source: DatabaseAddress, options: CallOptions): Promise<Source>;
  /** Structural check of decoded parts without a server; gives the problems found. */
  inspect(parts: PartSource, depth: Inspection, options: CallOptions): Promise<readonly string[]>;
  /** Fails with REFUSED when a foreign file is only a piece of a database, as an SQLite file beside its `-wal` is. */
  refuseIncomplete(file: string): Promise<void>;
  /** Looks at where a restore would go. */
  survey(destination: DatabaseAddress, options: CallOptions): Promise<DestinationState>;
  /** Builds a copy in `scratch`; `destination` is undefined for a copy that will only be examined. */
  stage(parts: PartSource, destination: DatabaseAddress | undefined, request: StageRequest): Promise<Staging>;
  restoreTables(
    parts: PartSource,
    destination: DatabaseAddress,
    request: TableRestoreRequest,
  ): Promise<TableRestoreResult>;
  /**
   * Those of the names and patterns that fit no table of the backup, as far as this is known without reading its rows;
   * what its record knows of tables is given too.
   */
  unknownTables(
    parts: PartSource,
    tables: readonly string[],
    options: UnknownTablesOptions,
  ): Promise<readonly string[]>;
  /** Writes tables as SQL for people to review; replaying it gives the same values to the last bit. */
  exportTables(parts: PartSource, file: string, request: ExportRequest): Promise<TableRestoreResult>;
}

export interface UnknownTablesOptions extends CallOptions {
  readonly recorded: Facts | undefined;
}

/** How much of a backup is restored, and how; an engine refuses what it cannot do. */
export interface RestoreOptions {
  /** Restore who owns what, as far as those roles exist. */
  readonly owner?: boolean;
  /** Restore who may do what. */
  readonly acl?: boolean;
  /** Tables restored at once. */
  readonly jobs?: number;
  /** Definitions without rows. */
  readonly schemaOnly?: boolean;
  /** Go on after statements that fail; they are warnings then. */
  readonly keepGoing?: boolean;
  /** Run commands of the client that stand in a plain SQL file, which may do anything on this machine. */
  readonly allowCommands?: boolean;
  /** Restore roles and tablespaces first; those that exist stay as they are. */
  readonly globals?: boolean;
  /** Leave the statistics of the query planner to the server. */
  readonly skipAnalyze?: boolean;
}

/** Where a copy goes that will only be examined. */
export interface TestBench {
  /** A server to make a throw-away database on; without one, a throw-away server is started. */
  readonly server: DatabaseAddress | undefined;
  /** The only folder in which that server's programs are looked for. */
  readonly binDir: string | undefined;
}

export interface StageRequest extends CallOptions, ScratchPlace {
  /** What of its database the backup holds; undefined where nobody recorded it. */
  readonly dumped?: DumpOptions;
  /** What `Probe.settings` recorded of it. */
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly options?: RestoreOptions;
  readonly bench?: TestBench;
  readonly onProgress: (bytes: number, totalBytes: number | undefined) => void;
}

export interface ExportRequest extends CallOptions, ScratchPlace {
  readonly tables: readonly string[];
  /** First lines of the file, one comment a line: where it came from. */
  readonly comments: readonly string[];
}
