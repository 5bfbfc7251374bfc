import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer as createProxyServer, request } from 'node:http';
import { createServer, type Server } from 'node:https';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { writeCertificate } from '../postgres/tls.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import type { StoreAccess } from './ceph.ts';

export interface EncryptedStore {
  /** `https://localhost:port` */
  readonly endpoint: string;
  /** What has to be trusted in: the path of a PEM file. */
  readonly certificate: string;
}

/** Puts TLS before a store, with a certificate of its own; ends with the test. */
export async function encryptStore({ endpoint }: StoreAccess): Promise<EncryptedStore> {
  const folder = await temporaryFolder();
  await writeCertificate(folder, {});
  const certificate = join(folder, 'server.crt');
  const { hostname, port } = new URL(endpoint);
  const options = { cert: readFileSync(certificate), key: readFileSync(join(folder, 'server.key')) };
  const server = createServer(options, (incoming, outgoing) => {
    const { method, url, headers } = incoming;
    const upstream = request({ host: hostname, port, method, path: url, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(outgoing);
    });
    incoming.pipe(upstream);
  });
  return { endpoint: `https://localhost:${await listen(server)}`, certificate };
}

export interface WebProxy {
  readonly url: string;
  /** Places that were asked for. */
  readonly asked: string[];
}

/** A proxy that connects to whatever it is asked for; ends with the test. */
export async function startWebProxy(): Promise<WebProxy> {
  const asked: string[] = [];
  const server = createProxyServer();
  server.on('connect', ({ url = '' }, client: Socket) => {
    asked.push(url);
    const [host = '', port] = url.split(':');
    const upstream = connect(Number(port), host, () => {
      client.write('HTTP/1.1 200 OK\r\n\r\n');
      client.pipe(upstream).pipe(client);
    });
    for (const socket of [client, upstream]) socket.on('error', () => undefined);
    client.on('close', () => upstream.destroy());
  });
  return { url: `http://127.0.0.1:${await listen(server)}`, asked };
}

async function listen(server: Server | ReturnType<typeof createProxyServer>): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
