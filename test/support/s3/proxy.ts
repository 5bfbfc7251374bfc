import { once } from 'node:events';
import { createServer, request as ask, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import type { StoreAccess } from './ceph.ts';

/** What a request asks of a store. */
export type Kind = 'put' | 'create' | 'part' | 'complete' | 'abort' | 'get' | 'head' | 'list' | 'uploads' | 'delete';

/** What goes wrong with a request. */
export type Blow =
  /** The store never hears of it. */
  | { readonly type: 'answer'; readonly status: number; readonly code: string; readonly headers?: Headers }
  /** The store does it; the answer is another one. */
  | { readonly type: 'lie'; readonly status: number; readonly code: string }
  /** The connection is reset once so many bytes of the request's body have passed. */
  | { readonly type: 'reset upload'; readonly after: number }
  /** The store does it; the connection is reset once so many bytes of the answer's body have passed. */
  | { readonly type: 'reset'; readonly after: number }
  /** Nothing passes any more once so many bytes of the answer's body have passed. */
  | { readonly type: 'stall'; readonly after: number }
  /** The answer says that it is so much shorter, and ends there. */
  | { readonly type: 'shorten'; readonly by: number }
  | { readonly type: 'header'; readonly name: string; readonly value: string };

type Headers = Readonly<Record<string, string>>;

export interface Fault {
  readonly kind: Kind;
  /** The first request of its kind that is struck, from 1. */
  readonly nth?: number;
  /** How many are struck from there on; 1 without it. */
  readonly times?: number;
  /** Only requests whose name or query contains this. */
  readonly about?: string;
  readonly blow: Blow;
}

export interface FaultyStore {
  readonly endpoint: string;
  /** Requests so far, in order. */
  readonly seen: Kind[];
  /** How many were struck. */
  readonly struck: () => number;
}

/** A proxy before a store that fails as it is told; ends with the test. */
export async function startFaultyStore({ endpoint }: StoreAccess, faults: readonly Fault[]): Promise<FaultyStore> {
  const seen: Kind[] = [];
  const counts = new Map<Fault, number>();
  const sockets = new Set<Socket>();
  let struck = 0;
  const next = (kind: Kind, path: string): Blow | undefined => {
    const blows = faults.flatMap((fault) => {
      const { nth = 1, times = 1, about = '' } = fault;
      if (fault.kind !== kind || !path.includes(about)) return [];
      const count = (counts.get(fault) ?? 0) + 1;
      counts.set(fault, count);
      return count < nth || count >= nth + times ? [] : [fault.blow];
    });
    if (blows.length > 0) struck += 1;
    return blows[0];
  };
  const server = createServer((incoming, outgoing) => {
    incoming.on('error', () => undefined);
    const kind = kindOf(incoming);
    seen.push(kind);
    handle({ incoming, outgoing, endpoint: new URL(endpoint), blow: next(kind, incoming.url ?? '') });
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { endpoint: `http://127.0.0.1:${address.port}`, seen, struck: () => struck };
}

function kindOf({ method = '', url = '' }: IncomingMessage): Kind {
  const { pathname, searchParams } = new URL(url, 'http://store');
  const [isPart, isUploads] = [searchParams.has('uploadId'), searchParams.has('uploads')];
  if (method === 'GET' && !/^\/[^/]+\/./.test(pathname)) return isUploads ? 'uploads' : 'list';
  if (method === 'POST') return isPart ? 'complete' : 'create';
  if (method === 'DELETE') return isPart ? 'abort' : 'delete';
  if (method === 'PUT') return isPart ? 'part' : 'put';
  return method === 'HEAD' ? 'head' : 'get';
}

interface Exchange {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  readonly endpoint: URL;
  readonly blow: Blow | undefined;
}

function handle(exchange: Exchange): void {
  const { incoming, outgoing, endpoint, blow } = exchange;
  if (blow?.type === 'answer') {
    incoming.resume().on('end', () => sayError(outgoing, blow));
    return;
  }
  const upstream = ask({
    host: endpoint.hostname,
    port: endpoint.port,
    method: incoming.method,
    path: incoming.url,
    headers: incoming.headers,
  });
  upstream.on('error', () => outgoing.socket?.destroy());
  outgoing.on('close', () => upstream.destroy());
  upstream.on('response', (answer) => passOn(answer, outgoing, blow));
  if (blow?.type === 'reset upload') {
    resetUpload(incoming, upstream, blow.after);
  }
  incoming.pipe(upstream);
}

function resetUpload(incoming: IncomingMessage, upstream: { destroy(): unknown }, after: number): void {
  let passed = 0;
  incoming.on('data', (chunk: Buffer) => {
    passed += chunk.length;
    if (passed < after) return;
    upstream.destroy();
    incoming.socket.resetAndDestroy();
  });
}

function sayError(
  outgoing: ServerResponse,
  { status, code, headers = {} }: Extract<Blow, { status: number }> & { headers?: Headers },
): void {
  outgoing.writeHead(status, { 'content-type': 'application/xml', ...headers });
  outgoing.end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>injected ${code}</Message></Error>`);
}

function passOn(answer: IncomingMessage, outgoing: ServerResponse, blow: Blow | undefined): void {
  if (blow?.type === 'lie') {
    answer.resume().on('end', () => sayError(outgoing, blow));
    return;
  }
  const length = Number(answer.headers['content-length'] ?? 0);
  const headers = { ...answer.headers };
  if (blow?.type === 'header') headers[blow.name] = blow.value;
  if (blow?.type === 'shorten') headers['content-length'] = String(length - blow.by);
  const limit =
    blow?.type === 'shorten'
      ? length - blow.by
      : blow?.type === 'reset' || blow?.type === 'stall'
        ? blow.after
        : Infinity;
  if (blow?.type === 'reset' && blow.after === 0) {
    answer.resume().on('end', () => outgoing.socket?.resetAndDestroy());
    return;
  }
  outgoing.writeHead(answer.statusCode ?? 500, headers);
  let passed = 0;
  answer.on('data', (chunk: Buffer) => {
    if (passed >= limit) return;
    const rest = chunk.subarray(0, limit - passed);
    passed += rest.length;
    outgoing.write(rest, () => {
      if (passed < limit || blow === undefined) return;
      if (blow.type === 'reset') outgoing.socket?.resetAndDestroy();
    });
  });
  answer.on('end', () => {
    if (blow?.type !== 'stall') outgoing.end();
  });
  answer.on('error', () => outgoing.socket?.destroy());
}
