import { messageOf, DbopsError } from '../../core/errors.ts';
import type { AgentReply, AgentRequest } from './agent-protocol.ts';
import { copyTables } from './jobs/copy-tables.ts';
import { examine } from './jobs/examine.ts';
import { exportTables } from './jobs/export-tables.ts';
import type { JobName, Jobs, OnProgress } from './jobs/job.ts';
import { inspectContents } from './jobs/migrate/conserve.ts';
import { fingerprint } from './jobs/migrate/fingerprint.ts';
import { prepareLedger, readLedger, recordEvents } from './jobs/migrate/ledger-table.ts';
import { runMigration } from './jobs/migrate/run.ts';
import { promote } from './jobs/promote.ts';
import { settleCopy, takeSnapshot } from './jobs/snapshot.ts';
import { lookAtSource } from './source-file.ts';

/**
 * The child process in which SQLite runs. A process of its own, because its calls block, cannot be interrupted other
 * than by a kill, may crash on a hostile file, and because opening and closing a database's file beside a connection
 * in one process would drop the connection's locks.
 */
const handlers: { readonly [N in JobName]: (input: Jobs[N]['input'], onProgress: OnProgress) => unknown } = {
  look: ({ path }) => lookAtSource(path),
  snapshot: takeSnapshot,
  settle: ({ path }) => (settleCopy(path), null),
  examine: (input) => examine(input),
  promote: (input) => promote(input),
  copyTables,
  exportTables: (input) => exportTables(input),
  migrateLedger: (input) => readLedger(input),
  migratePrepare: (input) => (prepareLedger(input), null),
  migrateFingerprint: (input) => fingerprint(input),
  migrateInspect: (input) => inspectContents(input),
  migrateRecord: (input) => (recordEvents(input), null),
  migrateRun: (input) => runMigration(input),
};

const progressEveryMs = 100;

async function answer(request: AgentRequest): Promise<void> {
  try {
    const handler = handlers[request.job] as (input: unknown, onProgress: OnProgress) => unknown;
    reply({ type: 'result', value: await handler(request.input, throttled()) });
  } catch (error) {
    reply(describe(error));
  }
}

function throttled(): OnProgress {
  let last = 0;
  return (bytes, totalBytes) => {
    const now = Date.now();
    if (now - last < progressEveryMs) return;
    last = now;
    reply({ type: 'progress', bytes, totalBytes });
  };
}

function describe(error: unknown): AgentReply {
  if (error instanceof DbopsError) {
    return { type: 'error', code: error.code, message: error.message, hint: error.hint ?? null };
  }
  const stack = error instanceof Error ? (error.stack ?? null) : null;
  return { type: 'error', code: null, message: messageOf(error), hint: stack };
}

function reply(message: AgentReply): void {
  process.send?.(message);
}

process.on('message', (request: AgentRequest) => void answer(request));
// The parent is gone: nobody wants the rest, and a pinned snapshot keeps the application's log growing.
process.on('disconnect', () => process.exit(1));
