import type { TargetName } from '../ids.ts';
import type { CallOptions } from './storage.ts';

export interface LockRequest extends CallOptions {
  /** What the holder does, shown to whoever waits: `backup`, `prune`. */
  readonly purpose: string;
  /** How long to wait for another holder; 0 fails at once. */
  readonly waitMs: number;
  /** Called once when waiting starts, with the holder in words. */
  readonly onWait?: (holder: string) => void;
  /** Called when the lock could not be released: it stays behind, and is taken over once this process has ended. */
  readonly onReleaseFailure: (error: unknown) => void;
}

/** A held lock. Disposing releases it, and gives up on a storage that does not answer within seconds. */
export interface Lease extends AsyncDisposable {
  /**
   * Names of backups that a holder who died may have left half made or half removed; whoever takes over clears the
   * ones without a manifest.
   */
  readonly inherited: readonly string[];
  /** Records which backups are being made or removed, before the first byte of that work. */
  declare(work: readonly string[], options: CallOptions): Promise<void>;
  /**
   * Says that nothing of the declared and the inherited work is left half made. Releasing a lease without this hands
   * the names on to the next holder, as a kill does.
   */
  settle(): void;
  /**
   * Fencing: to be called right before the step that makes work visible.
   * @throws DbopsError LOCKED when the lock was lost, for example to a holder that judged this one dead.
   */
  confirm(options: CallOptions): Promise<void>;
  /**
   * Releases it before it is disposed of, which does nothing then. Never fails: what goes wrong, an abort too, is told to
   * `onReleaseFailure`.
   */
  release(options: CallOptions): Promise<void>;
}

/** One lock a target and storage: backup and prune exclude each other; readers need none. */
export interface Lock {
  acquire(target: TargetName, request: LockRequest): Promise<Lease>;
}
