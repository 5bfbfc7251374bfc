import type { Readable } from 'node:stream';
import type { ObjectKey } from '../ids.ts';

export interface CallOptions {
  readonly signal: AbortSignal;
}

export interface ObjectInfo {
  readonly key: ObjectKey;
  readonly bytes: number;
  readonly modifiedAt: Date;
  /** Another one whenever the bytes are others, where the storage has such a thing; only to be compared. */
  readonly revision?: string;
  /** Until when the storage refuses to remove it; told by `stat` alone. `forever` until somebody lifts it. */
  readonly lockedUntil?: Date | 'forever';
}

export interface PutOptions extends CallOptions {
  /** Fails with OBJECT_EXISTS when the key is taken; of several racing writers exactly one succeeds. */
  readonly ifAbsent?: boolean;
  /** About how many bytes will come; where pieces have to be sized before the end is known. */
  readonly expectedBytes?: number;
  /** Until when the storage is to refuse to remove it, where it was set up to lock objects; ignored elsewhere. */
  readonly lockUntil?: Date | 'forever';
}

export interface GetOptions extends CallOptions {
  /** The object as it was listed just now: a cache that holds that revision may answer. */
  readonly listed?: ObjectInfo;
}

/** A put that was begun and never came to its end: invisible, but it may take space and cost money. */
export interface UnfinishedPut {
  readonly key: ObjectKey;
  readonly startedAt: Date;
  discard(options: CallOptions): Promise<void>;
}

/** What a storage says of its own set-up, for `check storage`. */
export interface StorageRemark {
  /** What was looked at: `versioning`. */
  readonly name: string;
  /** `problem` where backups will not work as asked for; `note` where somebody should know. */
  readonly level: 'fine' | 'note' | 'problem';
  /** In words, without a full stop. */
  readonly text: string;
  /** An instruction, as a full sentence. */
  readonly hint?: string;
}

/** Facts about a storage, so that nobody has to ask which one it is. */
export interface StorageTraits {
  /** A folder on the same disk, fit for large temporary files, or undefined when there is none. */
  readonly scratchParent: string | undefined;
}

/**
 * A flat store of immutable byte objects. The contract, checked by test/conformance/storage.suite.ts for every
 * adapter:
 *
 * - a rejected put leaves nothing visible, and an older object under that key as it was;
 * - a resolved put is durable, and visible to `stat`, `get` and `list` at once;
 * - a body that fails makes the put fail, however many bytes went through before;
 * - `get` of an absent key fails with OBJECT_MISSING; `stat` of one gives undefined; `remove` of one succeeds;
 * - `list` yields every key below the prefix (which ends at a `/` border) once, ascending by code unit.
 *
 * Failures are `DbopsError`s with the codes STORAGE_FAILED, OBJECT_EXISTS, OBJECT_MISSING or NO_SPACE.
 */
export interface Storage extends AsyncDisposable {
  /** Safe to print: no secrets. */
  readonly label: string;
  readonly traits: StorageTraits;
  put(key: ObjectKey, body: Readable, options: PutOptions): Promise<void>;
  get(key: ObjectKey, options: GetOptions): Promise<Readable>;
  stat(key: ObjectKey, options: CallOptions): Promise<ObjectInfo | undefined>;
  list(prefix: string, options: CallOptions): AsyncIterable<ObjectInfo>;
  remove(key: ObjectKey, options: CallOptions): Promise<void>;
  /** Puts below the prefix that were begun by anybody and not ended, with those that are in flight. */
  unfinished(prefix: string, options: CallOptions): AsyncIterable<UnfinishedPut>;
  /** Looks at the set-up: what cannot be told by writing and reading, such as versions that are kept. */
  remarks(options: CallOptions): Promise<readonly StorageRemark[]>;
  /** Bytes that may still be written, where that can be known. */
  freeBytes(options: CallOptions): Promise<number | undefined>;
  /** Points `<folder>/latest` at `<folder>/<name>` where people can see it; does nothing elsewhere. */
  pointLatest(folder: string, name: string, options: CallOptions): Promise<void>;
}
