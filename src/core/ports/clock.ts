export interface Clock {
  now(): Date;
  /** Resolves after `ms`; rejects with the signal's reason when it is aborted first. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** Cryptographically strong random bytes. */
export type RandomBytes = (count: number) => Uint8Array;
