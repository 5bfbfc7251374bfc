import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { S3Client } from '@aws-sdk/client-s3';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import type { ClientSettings } from './client-settings.ts';

const sockets = 32;
const connectMs = 10_000;

/** A client that makes every request once: when and whether it is made again is decided in attempts.ts. */
export async function createClient(settings: ClientSettings, stallMs: number): Promise<S3Client> {
  const { endpoint, region, pathStyle, credentials, profile, checksums } = settings;
  return new S3Client({
    region,
    forcePathStyle: pathStyle,
    maxAttempts: 1,
    requestChecksumCalculation: checksums,
    // Lengths and digests of our own hold for what is read, also when it is read in pieces.
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: new NodeHttpHandler({
      connectionTimeout: connectMs,
      socketTimeout: stallMs,
      ...(await agentsOf(settings)),
    }),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(credentials === undefined ? {} : { credentials }),
    ...(profile === undefined ? {} : { profile }),
  });
}

interface Agents {
  readonly httpAgent: HttpAgent;
  readonly httpsAgent: HttpsAgent;
}

async function agentsOf({ proxy, proxyFromEnvironment, trusted }: ClientSettings): Promise<Agents> {
  const options = { keepAlive: true, maxSockets: sockets };
  const secure = trusted === undefined ? options : { ...options, ca: [...trusted] };
  const direct = { httpAgent: new HttpAgent(options), httpsAgent: new HttpsAgent(secure) };
  if (proxy === undefined && !proxyFromEnvironment) return direct;
  const { ProxyAgent } = await import('proxy-agent');
  const agent = new ProxyAgent({
    ...secure,
    ...direct,
    ...(proxy === undefined ? {} : { getProxyForUrl: () => proxy }),
  });
  return { httpAgent: agent, httpsAgent: agent as HttpAgent as HttpsAgent };
}
