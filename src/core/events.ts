import type { VerifyLevel } from './levels.ts';
import type { Manifest } from './manifest.ts';

export type Activity =
  | 'snapshot'
  | 'store'
  | 'examine'
  | 'read back'
  | 'restore'
  | 'promote'
  | 'wait for lock'
  | 'copy';

/** Everything an operation says while it runs. Reporters render them; nothing else is printed on the way. */
export type AppEvent =
  | {
      readonly type: 'backup.started';
      readonly target: string;
      readonly id: string;
      readonly source: string;
      readonly storage: string;
    }
  | {
      readonly type: 'backup.finished';
      readonly manifest: Manifest;
      readonly durationMs: number;
      readonly storage: string;
    }
  | { readonly type: 'activity'; readonly target: string; readonly activity: Activity }
  | {
      readonly type: 'progress';
      readonly activity: Activity;
      readonly bytes: number;
      readonly totalBytes: number | undefined;
    }
  | { readonly type: 'verify.started'; readonly target: string; readonly id: string; readonly level: VerifyLevel }
  | {
      readonly type: 'verify.finished';
      readonly target: string;
      readonly id: string;
      readonly level: VerifyLevel;
      readonly ok: boolean;
      readonly durationMs: number;
    }
  | { readonly type: 'restore.started'; readonly from: string; readonly into: string }
  | {
      readonly type: 'restore.finished';
      readonly into: string;
      readonly kept: string | undefined;
      readonly durationMs: number;
    }
  | {
      readonly type: 'copy.started';
      readonly target: string;
      readonly id: string;
      readonly bytes: number;
      readonly from: string;
      readonly to: string;
    }
  | { readonly type: 'copy.finished'; readonly target: string; readonly id: string; readonly durationMs: number }
  | { readonly type: 'prune.removed'; readonly target: string; readonly name: string; readonly bytes: number }
  | {
      readonly type: 'migration.started';
      readonly database: string;
      readonly version: string;
      readonly name: string;
      readonly kind: 'up' | 'rollback';
    }
  | {
      readonly type: 'migration.finished';
      readonly database: string;
      readonly version: string;
      readonly name: string;
      readonly kind: 'up' | 'rollback';
      readonly durationMs: number;
      /** `elsewhere`: another run has done it in the meantime. */
      readonly outcome: 'done' | 'elsewhere';
    }
  | {
      readonly type: 'migration.waiting';
      readonly database: string;
      /** Who stands in the way, in words. */
      readonly holders: readonly string[];
    }
  | { readonly type: 'warning'; readonly subject: string; readonly message: string };
