import { once } from 'node:events';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StoreAccess } from './ceph.ts';

// Inherited by the workers of the tests, and set once however many projects have this in their set-up.
const variable = 'DBOPS_TEST_S3_SOCKET';

/**
 * Offers one store to all tests of a run: it is started by the first one that asks, in this process, which outlives
 * all of them.
 */
export function offerStore(): (() => Promise<void>) | undefined {
  if (process.env[variable] !== undefined) return undefined;
  const folder = mkdtempSync(join(realpathSync(tmpdir()), 'dbops-offer-'));
  const path = join(folder, 'socket');
  process.env[variable] = path;
  let gateway: Promise<AsyncDisposable & { readonly access: StoreAccess }> | undefined;
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    gateway ??= import('./ceph.ts').then(({ startGateway }) => startGateway());
    gateway.then(
      ({ access }) => socket.end(JSON.stringify({ access })),
      (error: unknown) => socket.end(JSON.stringify({ failure: String(error) })),
    );
  });
  server.listen(path);
  return async () => {
    delete process.env[variable];
    server.close();
    await (await gateway?.catch(() => undefined))?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  };
}

/** The store of this run; starts it, about ten seconds, if nobody has yet. */
export async function sharedStore(): Promise<StoreAccess> {
  const path = process.env[variable];
  if (path === undefined) throw new Error('the set-up of the tests offers no store');
  const socket = connect(path);
  let text = '';
  socket.setEncoding('utf8').on('data', (piece: string) => (text += piece));
  await once(socket, 'end');
  socket.destroy();
  const answer = JSON.parse(text) as { access?: StoreAccess; failure?: string };
  if (answer.access === undefined) throw new Error(answer.failure);
  return answer.access;
}
