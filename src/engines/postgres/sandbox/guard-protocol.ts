import type { ErrorCode } from '../../../core/errors.ts';

/** What the guard has to start. Sent once, dbops to guard. */
export interface ClusterOrder {
  readonly programs: { readonly initdb: string; readonly postgres: string };
  /** The cluster's data folder, empty; made if it is absent. */
  readonly data: string;
  /** Made for the socket. */
  readonly socketFolder: string;
  readonly encoding: string;
  readonly locale: string;
  readonly settings: Readonly<Record<string, string>>;
  /** The user that runs it, when dbops may become any. */
  readonly account: { readonly uid: number; readonly gid: number } | null;
}

/** Any number of `log`, and one of `ready` and `failed`. */
export type GuardReply =
  | { readonly type: 'log'; readonly text: string }
  /** `locale` is what the cluster got. */
  | { readonly type: 'ready'; readonly locale: string }
  /** `code` is null for our own bugs; `hint` holds their stack. */
  | {
      readonly type: 'failed';
      readonly code: ErrorCode | null;
      readonly message: string;
      readonly hint: string | null;
    };
