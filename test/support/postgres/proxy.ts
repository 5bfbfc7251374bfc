import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

export interface ProxyTarget {
  readonly host: string;
  readonly port: number;
}

export interface ProxyFaults {
  /** Resets a connection, to both sides, once the server has sent so many bytes over it. */
  readonly cutAfter?: number;
  /** Passes on nothing more, and closes nothing that the server does not close, once it has sent so many bytes over it. */
  readonly stallAfter?: number;
}

export interface Proxy {
  /** On 127.0.0.1. */
  readonly port: number;
  /** Connections that were cut or stalled so far. */
  readonly struck: number;
  /** From now on, for connections that are open too. */
  set(faults: ProxyFaults): void;
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A stretch of network between a client and a server that fails when it is told to; exact to the byte. */
export async function startProxy(target: ProxyTarget, faults: ProxyFaults = {}): Promise<Proxy> {
  let current = faults;
  let struck = 0;
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const upstream = connect({ ...target, allowHalfOpen: true });
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      // Of a connection that breaks, the other side hears it by its own socket.
      socket.on('error', () => undefined);
      socket.on('close', () => sockets.delete(socket));
    }
    upstream.on('close', () => client.destroy());
    client.on('close', () => upstream.destroy());
    client.pipe(upstream);
    passOn(upstream, client, { faults: () => current, strike: () => (struck += 1) });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const stop = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  };
  return {
    port: address.port,
    get struck() {
      return struck;
    },
    set: (faults) => {
      current = faults;
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

interface Watch {
  faults(): ProxyFaults;
  strike(): void;
}

function passOn(from: Socket, to: Socket, { faults, strike }: Watch): void {
  let passed = 0;
  let stalled = false;
  from.on('data', (chunk: Buffer) => {
    // Read all the same, or the end of the connection would not be seen.
    if (stalled) return;
    const { cutAfter = Infinity, stallAfter = Infinity } = faults();
    const limit = Math.max(0, Math.min(cutAfter, stallAfter) - passed);
    const rest = chunk.subarray(0, limit);
    passed += rest.length;
    if (chunk.length < limit) {
      if (!to.write(rest)) {
        from.pause();
        to.once('drain', () => from.resume());
      }
      return;
    }
    strike();
    if (stallAfter <= cutAfter) {
      to.write(rest);
      stalled = true;
      return;
    }
    to.write(rest, () => {
      to.resetAndDestroy();
      from.resetAndDestroy();
    });
  });
  from.on('end', () => to.end());
}
