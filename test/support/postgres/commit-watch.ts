import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

export interface CommitWatch extends AsyncDisposable {
  /** On 127.0.0.1. */
  readonly port: number;
}

export interface CommitFault {
  /** `asked`: the client has sent a COMMIT; `answered`: the server has done it, and its answer goes nowhere. */
  readonly when: 'asked' | 'answered';
  /** Which one, counted from 1 over all connections. */
  readonly nth: number;
  /** Done before the connection is cut. */
  readonly strike: () => void;
}

/** A stretch of network that breaks at a COMMIT: right before the server hears of it, or right after it was done. */
export async function startCommitWatch(
  target: { host: string; port: number },
  fault: CommitFault,
): Promise<CommitWatch> {
  const sockets = new Set<Socket>();
  let seen = 0;
  const server = createServer((client) => {
    const upstream = connect(target);
    const cut = (): void => [client, upstream].forEach((socket) => socket.destroy());
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.setNoDelay(true).on('error', () => undefined);
      socket.on('close', () => {
        sockets.delete(socket);
        cut();
      });
    }
    const isTheOne = (chunk: Buffer, text: string): boolean => chunk.includes(text) && ++seen === fault.nth;
    client.on('data', (chunk: Buffer) => {
      if (fault.when === 'asked' && isTheOne(chunk, 'COMMIT')) {
        fault.strike();
        cut();
      } else upstream.write(chunk);
    });
    upstream.on('data', (chunk: Buffer) => {
      if (fault.when === 'answered' && isTheOne(chunk, 'COMMIT\0')) {
        fault.strike();
        cut();
      } else client.write(chunk);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    port: address.port,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
