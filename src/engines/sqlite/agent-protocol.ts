import type { ErrorCode } from '../../core/errors.ts';
import type { JobName, Jobs } from './jobs/job.ts';

/** One request at a time, parent to agent. */
export interface AgentRequest<N extends JobName = JobName> {
  readonly job: N;
  readonly input: Jobs[N]['input'];
}

/** Any number of `progress`, then exactly one of the others. */
export type AgentReply =
  | { readonly type: 'progress'; readonly bytes: number; readonly totalBytes: number }
  | { readonly type: 'result'; readonly value: unknown }
  /** `code` is null for our own bugs; `hint` holds their stack. */
  | { readonly type: 'error'; readonly code: ErrorCode | null; readonly message: string; readonly hint: string | null };
