import { DbopsError, messageOf } from '../../../core/errors.ts';
import { removeShortFolder } from '../../../platform/short-folder.ts';
import { startCluster, type Cluster } from './cluster.ts';
import type { ClusterOrder, GuardReply } from './guard-protocol.ts';

/**
 * The process between dbops and a throw-away cluster, which outlives dbops for a moment: when dbops lets go of the
 * channel, also because it was killed, the guard stops the cluster and removes it. Its argument is the folder that knows
 * what belongs to the cluster.
 */
const [, , home = ''] = process.argv;
const stopping = new AbortController();
let starting: Promise<Cluster> | undefined;

async function serve(order: ClusterOrder): Promise<void> {
  const { PATH, LD_LIBRARY_PATH } = process.env;
  starting = startCluster(order, {
    signal: stopping.signal,
    onLog: (text) => reply({ type: 'log', text }),
    environment: { PATH, LD_LIBRARY_PATH },
  });
  try {
    reply({ type: 'ready', locale: (await starting).locale });
  } catch (error) {
    reply(describe(error));
  }
}

async function finish(): Promise<void> {
  if (stopping.signal.aborted) return;
  stopping.abort();
  const cluster = await starting?.catch(() => undefined);
  await cluster?.stop();
  await removeShortFolder(home);
  process.exit(0);
}

function describe(error: unknown): GuardReply {
  if (error instanceof DbopsError) {
    return { type: 'failed', code: error.code, message: error.message, hint: error.hint ?? null };
  }
  const stack = error instanceof Error ? (error.stack ?? null) : null;
  return { type: 'failed', code: null, message: messageOf(error), hint: stack };
}

function reply(message: GuardReply): void {
  // Nobody listens any more when dbops is gone; what follows from that is told by `disconnect`.
  if (process.connected) process.send?.(message, () => undefined);
}

process.on('message', (order: ClusterOrder) => void serve(order));
process.on('disconnect', () => void finish());
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => void finish());
// dbops may have gone while this was loading, when nobody heard of it.
if (!process.connected) void finish();
